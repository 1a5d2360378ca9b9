"""What Python's email and GMime show of messages.

read.py FOLDER   prints all that each shows of each file.
read.py          reads messages from standard input, each behind a line with its length, and answers each with a line: what
                 stands between the parts of the list (`-`: nothing), the parts as email sees them, and as GMime does,
                 with tabs between. Of what a kept signature covers it says `signed`: all of it is the author's, however
                 it is read. read.pl answers for Perl in the same form.
"""
import email, email.policy, hashlib, os, sys
import gi
gi.require_version("GMime", "3.0")
from gi.repository import GMime

GMime.init()


def by_email(octets, policy):
    shown = []
    for part in email.message_from_bytes(octets, policy=policy).walk():
        shown += [f"{name}: {value}" for name, value in part.items()]
        shown += [str(part.get_filename()), str(part.get_content_charset())]
        shown += [str(text) for text in (part.preamble, part.epilogue) if text]
        if not part.is_multipart():
            body = part.get_payload(decode=True) or b""
            shown.append(body.decode("utf-8", "replace"))
    return shown


def root_by_gmime(octets):
    return GMime.Parser.new_with_stream(GMime.StreamMem.new_with_buffer(octets)).construct_part(None)


def leaf_by_gmime(part):
    """Its type and its content."""
    kind = part.get_content_type()
    stream = GMime.StreamMem.new()
    content = part.get_content()
    if content is not None:
        content.write_to_stream(stream)
    array = stream.get_byte_array()
    return f"{kind.get_media_type()}/{kind.get_media_subtype()}".lower(), bytes(array) if array else b""


def by_gmime(octets):
    shown = []

    def walk(part):
        headers = part.get_header_list()
        for at in range(headers.get_count()):
            header = headers.get_header_at(at)
            shown.append(f"{header.get_name()}: {header.get_value()}")
        if isinstance(part, GMime.Multipart):
            shown.extend(str(text) for text in (part.get_prologue(), part.get_epilogue()) if text)
            for at in range(part.get_count()):
                walk(part.get_part(at))
        elif isinstance(part, GMime.MessagePart):
            inner = part.get_message()
            if inner is not None:
                walk(inner.get_mime_part())
        else:
            shown.append(str(part.get_filename()))
            shown.append(leaf_by_gmime(part)[1].decode("utf-8", "replace"))

    root = root_by_gmime(octets)
    if root is not None:
        walk(root)
    return shown


def show(folder):
    for name in sorted(os.listdir(folder)):
        octets = open(os.path.join(folder, name), "rb").read()
        readings = {
            "email": by_email(octets, email.policy.compat32),
            "email-new": by_email(octets, email.policy.default),
            "gmime": by_gmime(octets),
        }
        for reader, shown in readings.items():
            print(f"== {name} {reader}")
            for text in shown:
                for line in text.splitlines():
                    print("|", line)


# What the list writes in the header of a signature part.
SIGNATURE_FIELDS = [
    ("Content-Type", 'application/pgp-signature; name="signature.asc"'),
    ("Content-Disposition", 'attachment; filename="signature.asc"'),
]


def gaps(part):
    """What a container of the list, or one around a signed part of the author, holds beside its parts."""
    if not part.is_multipart() or part.get_content_maintype() != "multipart":
        return []
    found = [text for text in (part.preamble, part.epilogue) if text and text.strip()]
    found += [repr(defect) for defect in part.defects]
    parts = part.get_payload()
    if part.get_content_type() == "multipart/signed":
        signature = parts[-1]
        lines = signature.get_payload().strip().splitlines()
        is_armor = lines and lines[0].startswith("-----BEGIN PGP SIG") and lines[-1].startswith("-----END PGP SIG")
        if len(parts) != 2 or not is_armor or any(":" in line for line in lines):
            found.append("a signature part that holds more")
        found += [f"{name}: {value}" for name, value in signature.items() if (name, value) not in SIGNATURE_FIELDS]
        return found
    for child in parts:
        if child.get_content_type() == "multipart/signed":
            found += gaps(child)
            found += [name for name in child.keys() if name.lower() != "content-type"]
    return found


def one(kind, body):
    return kind + " " + hashlib.sha256(body.replace(b"\r\n", b"\n").rstrip(b"\n")).hexdigest()[:16]


def parts_by_email(part):
    if not part.is_multipart():
        return [one(part.get_content_type(), part.get_payload(decode=True) or b"")]
    children = part.get_payload()
    if part.get_content_type() == "multipart/signed":
        return ["signed"] + [leaf for child in children[1:] for leaf in parts_by_email(child)]
    return [leaf for child in children for leaf in parts_by_email(child)]


def parts_by_gmime(part):
    if isinstance(part, GMime.Multipart):
        is_signed = isinstance(part, GMime.MultipartSigned)
        found = ["signed"] if is_signed else []
        for at in range(1 if is_signed else 0, part.get_count()):
            found += parts_by_gmime(part.get_part(at))
        return found
    if isinstance(part, GMime.MessagePart):
        inner = part.get_message()
        return parts_by_gmime(inner.get_mime_part()) if inner is not None else []
    return [one(*leaf_by_gmime(part))]


def serve():
    while line := sys.stdin.buffer.readline():
        octets = sys.stdin.buffer.read(int(line))
        between = gaps(email.message_from_bytes(octets))
        readings = [parts_by_email(email.message_from_bytes(octets)), parts_by_gmime(root_by_gmime(octets))]
        readings = [", ".join(reading) for reading in readings]
        print(repr(between).replace("\t", " ") if between else "-", *readings, sep="\t", flush=True)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    show(sys.argv[1]) if len(sys.argv) > 1 else serve()
