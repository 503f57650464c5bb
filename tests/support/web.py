# SPDX-License-Identifier: Apache-2.0
"""A small HTTP client for the tests: one connection, kept alive, with everything visible."""
import http.client
import json
import zlib


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """Keeps its connection and its session cookie, as a browser does."""

    def __init__(self, port, timeout=20):
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.cookie = None

    def request(self, method, path, body=None, headers=None, chunked=False):
        headers = dict(headers or {})
        if self.cookie:
            headers["Cookie"] = self.cookie
        self.http.request(method, path, body, headers, encode_chunked=chunked)
        response = self.http.getresponse()
        answer = Answer(response, response.read())
        for value in response.headers.get_all("Set-Cookie") or []:
            if value.startswith("JSESSIONID="):
                self.cookie = value.split(";")[0]
        return answer

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body, **options):
        return self.request("POST", path, body, **options)

    def close(self):
        self.http.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def pattern(length):
    """What /bytes/LENGTH of the servlet answers."""
    period = bytes(i % 251 for i in range(65536))
    return (period * (length // 65536 + 1))[:length]


def crc32(data, so_far=0):
    return zlib.crc32(data, so_far)
