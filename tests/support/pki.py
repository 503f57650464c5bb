# SPDX-License-Identifier: Apache-2.0
"""Certificates made on the spot by the openssl command."""
import pathlib
import subprocess


class Pki:
    """A CA, a CA that nobody trusts, and what they sign; each NAME.pem and NAME.key in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for ca in ("ca", "other-ca"):
            self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                          "-days", "10", "-subj", f"/CN={ca}", "-keyout", self.key(ca), "-out", self.pem(ca))
        self.make("server", names="DNS:localhost,IP:127.0.0.1")
        self.make("named", names="DNS:app.example")
        self.make("client")
        self.make("expired", days=-1)
        self.make("late", names="IP:127.0.0.1", days=-1)
        self.make("stranger", ca="other-ca")

    def pem(self, name):
        return self.folder / f"{name}.pem"

    def key(self, name):
        return self.folder / f"{name}.key"

    def make(self, name, ca="ca", names="DNS:client.example", days=10):
        request, extra = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extra.write_text(f"subjectAltName={names}\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", self.key(name), "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.pem(ca), "-CAkey", self.key(ca),
                      "-CAcreateserial", "-days", days, "-extfile", extra, "-out", self.pem(name))

    @staticmethod
    def _openssl(*args):
        done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    def listener(self, certificate="server", verify=None):
        """Command line of a TLS listener; verify: of its clients' certificates."""
        args = ["--tls-certificate", self.pem(certificate), "--tls-key", self.key(certificate)]
        if verify:
            args += ["--tls-client-ca", self.pem("ca"), "--tls-client-verify", verify]
        return args

    def worker(self, certificate=None, ca="ca"):
        """Command line for TLS workers; certificate: ours."""
        args = ["--worker-tls-ca", self.pem(ca)]
        if certificate:
            args += ["--worker-tls-certificate", self.pem(certificate), "--worker-tls-key", self.key(certificate)]
        return args
