"""What Python's email and GMime show of messages.

read.py FOLDER   prints all that each shows of each file.
read.py          reads messages from standard input, each behind a line with its length; answers each with a line: `same`, or
                 how the two differ in the parts that they see.
"""
import email, email.policy, os, sys
import gi
gi.require_version("GMime", "3.0")
from gi.repository import GMime

GMime.init()


def by_email(octets, policy):
    shown, leaves = [], []
    for part in email.message_from_bytes(octets, policy=policy).walk():
        shown += [f"{name}: {value}" for name, value in part.items()]
        shown += [str(part.get_filename()), str(part.get_content_charset())]
        shown += [str(text) for text in (part.preamble, part.epilogue) if text]
        if not part.is_multipart():
            body = part.get_payload(decode=True) or b""
            leaves.append((part.get_content_type(), body))
            shown.append(body.decode("utf-8", "replace"))
    return shown, leaves


def by_gmime(octets):
    shown, leaves = [], []

    def walk(part):
        headers = part.get_header_list()
        for at in range(headers.get_count()):
            header = headers.get_header_at(at)
            shown.append(f"{header.get_name()}: {header.get_value()}")
        kind = part.get_content_type()
        name = f"{kind.get_media_type()}/{kind.get_media_subtype()}".lower()
        if isinstance(part, GMime.Multipart):
            shown.extend(str(text) for text in (part.get_prologue(), part.get_epilogue()) if text)
            for at in range(part.get_count()):
                walk(part.get_part(at))
        elif isinstance(part, GMime.MessagePart):
            inner = part.get_message()
            if inner is not None:
                walk(inner.get_mime_part())
        else:
            stream = GMime.StreamMem.new()
            content = part.get_content()
            if content is not None:
                content.write_to_stream(stream)
            array = stream.get_byte_array()
            body = bytes(array) if array else b""
            leaves.append((name, body))
            shown.append(str(part.get_filename()))
            shown.append(body.decode("utf-8", "replace"))

    parser = GMime.Parser.new_with_stream(GMime.StreamMem.new_with_buffer(octets))
    root = parser.construct_part(None)
    if root is not None:
        walk(root)
    return shown, leaves


def show(folder):
    for name in sorted(os.listdir(folder)):
        octets = open(os.path.join(folder, name), "rb").read()
        readings = {
            "email": by_email(octets, email.policy.compat32)[0],
            "email-new": by_email(octets, email.policy.default)[0],
            "gmime": by_gmime(octets)[0],
        }
        for reader, shown in readings.items():
            print(f"== {name} {reader}")
            for text in shown:
                for line in text.splitlines():
                    print("|", line)


def serve():
    while line := sys.stdin.buffer.readline():
        octets = sys.stdin.buffer.read(int(line))
        tidy = lambda leaves: [(kind, body.replace(b"\r\n", b"\n").rstrip(b"\n")) for kind, body in leaves]
        ours, theirs = tidy(by_email(octets, email.policy.compat32)[1]), tidy(by_gmime(octets)[1])
        print("same" if ours == theirs else f"differ: {ours!r} {theirs!r}"[:2000], flush=True)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    show(sys.argv[1]) if len(sys.argv) > 1 else serve()
