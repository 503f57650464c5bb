# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium that is told what to do over two pipes (its DevTools protocol, no port)."""
import itertools
import json
import os
import select
import signal
import subprocess
import time


class Browser:
    def __init__(self, folder):
        commands, self.write_to = os.pipe()
        self.read_from, answers = os.pipe()
        self.numbers, self.unread = itertools.count(1), b""
        # The shell gives Chromium the descriptors 3 and 4, which it insists on.
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "bash", "chromium", "--headless=new", "--no-sandbox",
             "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe",
             "--proxy-server=direct://", "--disable-background-networking", "--disable-component-update",
             f"--user-data-dir={folder}/profile", "about:blank"],
            pass_fds=(commands, answers), env={**os.environ, "HOME": str(folder)}, stdout=subprocess.DEVNULL,
            stderr=open(f"{folder}/chromium.log", "wb"), start_new_session=True)
        os.close(commands)
        os.close(answers)

    def next_message(self, until):
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.read_from], [], [], max(0, until - time.monotonic()))
            more = os.read(self.read_from, 1 << 20) if ready else b""
            assert more, "Chromium does not answer, see chromium.log"
            self.unread += more
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, deadline=60, **params):
        number, until = next(self.numbers), time.monotonic() + deadline
        message = json.dumps({"id": number, "method": method, "params": params,
                              **({"sessionId": session} if session else {})}).encode() + b"\0"
        while message:
            message = message[os.write(self.write_to, message):]
        while True:
            answer = self.next_message(until)
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def open(self, url):
        """A page's session, once the page is loaded."""
        target = self.call("Target.createTarget", url=url)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.evaluate(session, "new Promise(r => document.readyState == 'complete' ? r() : addEventListener('load', r))")
        return session

    def evaluate(self, session, expression):
        done = self.call("Runtime.evaluate", session, expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def close(self):
        try:
            self.call("Browser.close", deadline=10)
            self.process.wait(10)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, signal.SIGKILL)  # its own session: only what was started here
            self.process.wait()
        os.close(self.write_to)
        os.close(self.read_from)
