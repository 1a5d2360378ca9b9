// A command line around OpenPGP.js: generate KIND | cert KEY | write KEY TO | sign KEY | read KEY FROM.
// The text or message comes by standard input, what is made goes to standard output.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, library, command, ...args] = process.argv.slice(2);
const openpgp = createRequire(`${folder}/`)(library);
const version = library === "openpgp5" ? 5 : 6;

const kinds = {
  curve25519: { type: "ecc", curve: version === 5 ? "curve25519" : "curve25519Legacy" },
  p256: { type: "ecc", curve: version === 5 ? "p256" : "nistP256" },
  x25519: { type: "curve25519" }, // version 4 with the code points of RFC 9580
  rsa3072: { type: "rsa", rsaBits: 3072 },
  v6: { type: "curve25519", config: { v6Keys: true } },
};

const input = () => new Uint8Array(readFileSync(0));
const key = async (file) => openpgp.readPrivateKey({ armoredKey: readFileSync(file, "utf8") });
const cert = async (file) => openpgp.readKey({ armoredKey: readFileSync(file, "utf8") });

const commands = {
  async generate(kind) {
    const userIDs = [{ name: "Anne", email: "anne@example.org" }];
    return (await openpgp.generateKey({ ...kinds[kind], userIDs, format: "armored" })).privateKey;
  },
  async cert(file) {
    return (await key(file)).toPublic().armor();
  },
  async write(file, to) {
    const message = await openpgp.createMessage({ binary: input() });
    return openpgp.encrypt({ message, encryptionKeys: await cert(to), signingKeys: await key(file) });
  },
  async sign(file) {
    const message = await openpgp.createMessage({ binary: input() });
    return openpgp.sign({ message, signingKeys: await key(file), detached: true });
  },
  async read(file, from) {
    const message = await openpgp.readMessage({ armoredMessage: readFileSync(0, "utf8") });
    const read = await openpgp.decrypt({
      message,
      decryptionKeys: await key(file),
      verificationKeys: await cert(from),
      format: "binary",
    });
    if (read.signatures.length === 0) throw new Error("not signed");
    await Promise.all(read.signatures.map((signature) => signature.verified));
    return read.data;
  },
};

try {
  process.stdout.write(await commands[command](...args));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
