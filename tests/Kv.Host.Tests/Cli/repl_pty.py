"""Drives the kv prompt in a pseudo-terminal, as a person would.

Usage: repl_pty.py TARGET HISTORY_FILE COMMAND...

TARGET is a fake node named n1 that never answers GET hang. Each step waits until what it expects has
appeared, at most DEADLINE_S. Prints the transcript and exits 1 at the first step that fails.
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

DEADLINE_S = 30
ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[=>]|\][^\x07]*\x07|[()][A-Z0-9])")
UP, DOWN = "\x1b[A", "\x1b[B"
CTRL_A, CTRL_C, CTRL_D, ENTER, TAB = "\x01", "\x03", "\x04", "\r", "\t"


class Failed(Exception):
    pass


class Session:
    """One run of kv with a terminal of its own."""

    def __init__(self, command, **environment):
        self.raw = b""
        self.seen = 0  # how much of the text earlier steps have accounted for
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm-256color", **environment})
            os.execvp(command[0], command)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.modes = termios.tcgetattr(self.terminal)[3]

    def text(self):
        """Everything shown so far, without the control sequences."""
        return ESCAPE.sub("", self.raw.decode("utf-8", "replace"))

    def send(self, keys):
        os.write(self.terminal, keys.encode())

    def expect(self, wanted, within_s=DEADLINE_S):
        """Waits until the text appears behind what was expected before."""
        deadline = time.monotonic() + within_s
        while True:
            at = self.text().find(wanted, self.seen)
            if at >= 0:
                self.seen = at + len(wanted)
                return
            if not self._read(deadline):
                raise Failed(f"{wanted!r} did not appear behind {self.text()[: self.seen][-60:]!r}")

    def expect_exit(self, code):
        """Waits until kv has ended, and checks its exit code and the modes it leaves the terminal in."""
        deadline = time.monotonic() + DEADLINE_S
        while self._read(deadline):
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                break
        else:
            ended, status = os.waitpid(self.pid, 0)
        if not os.WIFEXITED(status) or os.WEXITSTATUS(status) != code:
            raise Failed(f"kv ended with wait status {status}, not with exit code {code}")
        kept = termios.ECHO | termios.ICANON | termios.ISIG
        modes = termios.tcgetattr(self.terminal)[3]
        if modes & kept != self.modes & kept:
            raise Failed(f"the terminal's modes are {modes:o} after kv, were {self.modes:o}")

    def _read(self, deadline):
        """Takes more output; false when the deadline has passed or there is no more."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.terminal], [], [], left)[0]:
            return False
        try:
            chunk = os.read(self.terminal, 65536)
        except OSError:  # Linux says EIO when the last process has closed the terminal
            return False
        self.raw += chunk
        return bool(chunk)


def edit_and_run(session, prompt):
    """Set and get, history, completion, Ctrl-C and Ctrl-D."""
    session.expect("node n1, embedded mode, ready")
    session.expect(prompt)

    session.send('set x {"a": [1, 2]}' + ENTER)
    session.expect("OK")
    session.expect(prompt)
    session.send("GET x" + ENTER)
    session.expect('\n{"a": [1, 2]}')
    session.expect(prompt)
    session.send("get nothing" + ENTER)
    session.expect("(nil)")
    session.expect(prompt)
    session.send("set [red] '[/]x'" + ENTER)
    session.expect("begins like JSON")
    session.expect(prompt)
    session.send("set [red] '{oops'" + CTRL_A)
    session.expect("'{oops'")
    session.send(CTRL_C)
    session.expect("^C")
    session.expect(prompt)
    session.send("set [red] [1]" + ENTER)
    session.expect("OK")
    session.send("print" + ENTER)
    session.expect("\n[red] = [1]")
    session.expect("(2 keys)")
    session.expect(prompt)

    session.send(UP + UP)
    session.expect("set [red] [1]")
    session.send(DOWN)
    session.expect("print")
    session.send(ENTER)
    session.expect("(2 keys)")
    session.expect(prompt)

    session.send("g" + TAB)
    session.expect("get ")
    session.send("x" + TAB)
    session.expect("get x ")
    session.send("--l" + TAB + ENTER)
    session.expect("get x --local")
    session.expect('\n{"a": [1, 2]}')
    session.expect(prompt)

    session.send("abandoned")
    session.expect("abandoned")
    session.send(CTRL_C)
    session.expect("^C")
    session.expect(prompt)
    for _ in range(10):  # also while keys are being read
        session.send("hasty")
        session.send(CTRL_C)
        session.expect("^C")
        session.expect(prompt)
    session.send("set y 1" + ENTER + "get y" + ENTER)  # typed ahead
    session.expect("OK")
    session.expect("\n1\r\n")
    session.expect(prompt)

    call_and_interrupt(session, "get hang", "get interrupted")
    call_and_interrupt(session, "set hang 1", "outcome of set hang unknown")
    session.send("get y" + ENTER)
    session.expect("\n1\r\n")
    session.expect(prompt)

    session.send("z")
    session.expect("z")
    session.send(CTRL_A + CTRL_D)  # deletes, does not leave
    session.expect(prompt)
    session.send("get y" + ENTER)
    session.expect("\n1\r\n")
    session.expect(prompt)
    session.send(CTRL_D)
    session.expect_exit(0)


def call_and_interrupt(session, line, wanted):
    """Runs a command that hangs and presses Ctrl-C, again while the call has not begun yet."""
    session.send(line)
    session.expect(line)
    session.send(ENTER)
    session.expect("\n")  # Ctrl-C before this would throw away the line, Enter and all
    for _ in range(DEADLINE_S):
        session.send(CTRL_C)
        try:
            session.expect(wanted, within_s=1)
            return
        except Failed:
            pass
    raise Failed(f"{wanted!r} did not appear")


def remember(session, prompt):
    """The history of the session before is there."""
    session.expect(prompt)
    session.send(UP)
    session.expect("get y")
    session.send(ENTER)
    session.expect("\n1\r\n")
    session.expect(prompt)
    session.send("quit" + ENTER)
    session.expect_exit(0)


def go_on_without_history(session, prompt):
    """A history that cannot be written disturbs nothing."""
    session.expect(prompt)
    session.send("get y" + ENTER)
    session.expect("\n1\r\n")
    session.send(UP)
    session.expect("get y")
    session.send(ENTER)
    session.expect("\n1\r\n")
    session.send("EXIT" + ENTER)
    session.expect_exit(0)


def do_without_cursor(session, prompt):
    """A terminal that cannot move its cursor still has a prompt."""
    session.expect(prompt)
    session.send("get y" + ENTER)
    session.expect("\n1\r\n")
    session.expect(prompt)
    session.send(CTRL_D)
    session.expect_exit(0)


def main():
    target, history, *command = sys.argv[1:]
    command += ["--target", target]
    prompt = f"n1@{target}> "
    scenarios = [
        (edit_and_run, {"KV_HISTORY": history}),
        (remember, {"KV_HISTORY": history}),
        (go_on_without_history, {"KV_HISTORY": "/proc/no/history"}),
        (do_without_cursor, {"KV_HISTORY": "", "TERM": "dumb"}),
    ]
    for scenario, environment in scenarios:
        session = Session(command, **environment)
        try:
            scenario(session, prompt)
        except Failed as failure:
            print(f"{scenario.__name__}: {failure}\n--- transcript\n{session.text()}")
            sys.exit(1)
        print(f"{scenario.__name__}: passed")


main()
