# Thin: every target calls cargo or a script.
.PHONY: demo test check bench interop deps

deps:
	@scripts/install-deps

demo: deps
	@cargo run --release --locked --quiet --bin sealist -- demo

test: deps
	@cargo test --workspace --locked

check: deps
	@scripts/check


bench: deps
	@cargo build --release --locked --quiet --bin sealist --bin sealist-bench
	@cargo run --release --locked --quiet --bin sealist-bench

interop: deps
	@cargo run --locked --quiet --bin sealist-interop
