# SPDX-License-Identifier: Apache-2.0
"""Machines that join by one line: strings, what join says, and who stands between."""
import base64
import http.client
import json
import os
import re
import socket
import ssl
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kit import between, pki
from kit.programs import program


def string_of(site, *command):
    return site.cmg(*command)["join"]


def content(string):
    text = string.split(".", 1)[1]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def made(string, **members):
    """The same string with other members."""
    text = json.dumps({**content(string), **members}, separators=(",", ":")).encode()
    return string.split(".", 1)[0] + "." + base64.urlsafe_b64encode(text).rstrip(b"=").decode()


class Joined:
    def __init__(self, process):
        self.code = process.returncode
        self.out, self.err = process.stdout, process.stderr

    @property
    def words(self):
        return self.out + self.err


def join(name, string, folder, *more, by="stdin", **environment):
    """`cmg-<name> join` with its string on standard input, as an argument or in a file."""
    arguments = {"stdin": ["-"], "argument": [string], "file": ["--file", folder.parent / "string"],
                 "at": [f"@{folder.parent / 'string'}"]}[by]
    (folder.parent / "string").write_text(string + "\n")
    return Joined(subprocess.run([str(a) for a in [program(f"cmg-{name}"), "join", *arguments, "--dir", folder, *more]],
                                 input=string + "\n" if by == "stdin" else "", capture_output=True, text=True,
                                 timeout=60, check=False, env={**os.environ, **environment}))


def heard(site, kind, name):
    return next(role for role in site.cmg(kind, "list")[f"{kind}s"] if role["id"] == name)["seen"]


class Middle(between.Between):
    """Ends TLS with a certificate of nobody, as whoever stands in between can, and passes one request on."""

    def __init__(self, port, folder, change_request=lambda b: b, change_answer=lambda b: b,
                 change_head=lambda h: h):
        super().__init__()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pair = pki.self_signed(folder, "nobody")
        self.context.load_cert_chain(pair.path, pair.key)
        self.onward, self.change_head = port, change_head
        self.change_request, self.change_answer = change_request, change_answer
        self.requests, self.answers = [], []

    @staticmethod
    def message(stream):
        """(head, body) of HTTP/1.1."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            got = stream.recv(1)
            if not got:
                return head, b""
            head += got
        found = re.search(rb"content-length: *(\d+)", head, re.I)
        body, wanted = b"", int(found.group(1)) if found else 0
        while len(body) < wanted:
            got = stream.recv(wanted - len(body))
            if not got:
                break
            body += got
        return head, body

    @staticmethod
    def sized(head, body):
        return re.sub(rb"content-length: *\d+", b"content-length: %d" % len(body), head, flags=re.I) + body

    def serve(self, connection):
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        with self.context.wrap_socket(connection, server_side=True) as asker:
            head, body = self.message(asker)
            while head:
                self.requests.append(body)
                with socket.create_connection(("127.0.0.1", self.onward)) as bare, client.wrap_socket(bare) as server:
                    server.sendall(self.sized(head, self.change_request(body)))
                    answer_head, answer = self.message(server)
                self.answers.append(answer)
                asker.sendall(self.sized(self.change_head(answer_head), self.change_answer(answer)))
                head, body = self.message(asker)


def port_of(string):
    return int(content(string)["urls"][-1].rsplit(":", 1)[1].strip("/"))


def other_csr(request):
    """The same request with a key of somebody else in it: the payload is changed, the signature stays."""
    header, payload, signature = request.split(b".")
    text = json.loads(base64.urlsafe_b64decode(payload + b"=="))
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    text["csr"] = csr.public_bytes(serialization.Encoding.PEM).decode()
    return b".".join([header, base64.urlsafe_b64encode(json.dumps(text).encode()).rstrip(b"="), signature])


def post(port, body, path="/.cmg/join"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/jose"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def device_string(site, *more):
    return string_of(site, "enrollment", "--join", "--gateway-ca", site.pki("ca"), *more)


def links_to(pair, folder):
    """As renewed certificates lie: by links, which lead to the new files later."""
    folder.mkdir()
    for path in pair:
        (folder / path.name).symlink_to(path)
    return tuple(folder / path.name for path in pair)
