"""Runs a program at a terminal, waits for a question, and types an answer: terminal.py QUESTION ANSWER PROGRAM WORD...

What it says goes to standard output, and its exit code is that of this one; 128 and more for a signal.
"""

import os
import pty
import signal
import sys

QUESTION, ANSWER, *PROGRAM = sys.argv[1:]
ANSWER = ANSWER.encode().decode("unicode_escape").encode()

child, terminal = pty.fork()
if child == 0:
    # Who runs the tests in the background has these ignored, and a shell cannot trap what was ignored when it started.
    for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(ignored, signal.SIG_DFL)
    os.execv(PROGRAM[0], PROGRAM)
said, is_answered = b"", False
while True:
    try:
        read = os.read(terminal, 4096)
    except OSError:  # Its end, on Linux.
        break
    if not read:
        break
    said += read
    if not is_answered and QUESTION.encode() in said:
        os.write(terminal, ANSWER)
        is_answered = True
sys.stdout.buffer.write(said)
sys.stdout.flush()
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
