"""A command line around PGPy: generate KIND | cert KEY | write KEY TO | sign KEY | read KEY FROM.

The text or message comes by standard input, what is made goes to standard output.
"""

import sys
import warnings

import pgpy
from pgpy.constants import (
    CompressionAlgorithm,
    EllipticCurveOID,
    HashAlgorithm,
    KeyFlags,
    PubKeyAlgorithm,
    SymmetricKeyAlgorithm,
)

warnings.simplefilter("ignore")

KINDS = {
    "cv25519": (
        (PubKeyAlgorithm.EdDSA, EllipticCurveOID.Ed25519),
        (PubKeyAlgorithm.ECDH, EllipticCurveOID.Curve25519),
    ),
    "rsa3072": ((PubKeyAlgorithm.RSAEncryptOrSign, 3072), (PubKeyAlgorithm.RSAEncryptOrSign, 3072)),
}


def load(file):
    return pgpy.PGPKey.from_file(file)[0]


def generate(kind):
    primary, secondary = (pgpy.PGPKey.new(*parts) for parts in KINDS[kind])
    primary.add_uid(
        pgpy.PGPUID.new("Anne", email="anne@example.org"),
        usage={KeyFlags.Sign, KeyFlags.Certify},
        hashes=[HashAlgorithm.SHA512, HashAlgorithm.SHA256],
        ciphers=[SymmetricKeyAlgorithm.AES256, SymmetricKeyAlgorithm.AES128],
        compression=[CompressionAlgorithm.Uncompressed],
    )
    primary.add_subkey(secondary, usage={KeyFlags.EncryptCommunications, KeyFlags.EncryptStorage})
    return str(primary).encode()


def cert(file):
    return str(load(file).pubkey).encode()


def write(file, to):
    message = pgpy.PGPMessage.new(sys.stdin.buffer.read(), compression=CompressionAlgorithm.Uncompressed)
    message |= load(file).sign(message)
    return str(load(to).encrypt(message, cipher=SymmetricKeyAlgorithm.AES256)).encode()


def sign(file):
    return str(load(file).sign(sys.stdin.buffer.read())).encode()


def read(file, sender):
    message = load(file).decrypt(pgpy.PGPMessage.from_blob(sys.stdin.buffer.read()))
    if not load(sender).verify(message):
        sys.exit("the signature is not good")
    return bytes(message.message)


sys.stdout.buffer.write({f.__name__: f for f in (generate, cert, write, sign, read)}[sys.argv[1]](*sys.argv[2:]))
