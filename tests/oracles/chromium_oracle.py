"""Opens a page in headless Chromium and prints what came of it, as JSON: chromium_oracle.py CHROMIUM URL [EXPRESSION…].

Expressions are evaluated one after the other, as somebody would click who uses the page.

The protocol of the developer tools runs over two pipes (file descriptors 3 and 4), so it takes no library.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import time

chromium, url, *expressions = sys.argv[1:]
LONGEST = 60
started = time.monotonic()

to_chromium, commands = os.pipe()
answers, from_chromium = os.pipe()


def adopt():
    # Through high numbers, so that neither end overwrites the other.
    os.dup2(to_chromium, 103)
    os.dup2(from_chromium, 104)
    os.dup2(103, 3)
    os.dup2(104, 4)


profile = tempfile.TemporaryDirectory()
browser = subprocess.Popen(
    [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--remote-debugging-pipe", f"--user-data-dir={profile.name}", "about:blank",
    ],
    preexec_fn=adopt, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
os.close(to_chromium)
os.close(from_chromium)

buffer = b""
events = []
number = 0


def read():
    """The next message."""
    global buffer
    while b"\0" not in buffer:
        left = LONGEST - (time.monotonic() - started)
        if left <= 0 or not select.select([answers], [], [], left)[0]:
            raise TimeoutError("Chromium does not answer")
        part = os.read(answers, 1 << 16)
        if not part:
            raise EOFError("Chromium ended")
        buffer += part
    message, buffer = buffer.split(b"\0", 1)
    return json.loads(message)


def call(method, session=None, **parameters):
    """What the browser answers; events that come in between are kept."""
    global number
    number += 1
    message = {"id": number, "method": method, "params": parameters}
    if session:
        message["sessionId"] = session
    os.write(commands, json.dumps(message).encode() + b"\0")
    while True:
        answer = read()
        if answer.get("id") == number:
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            return answer["result"]
        events.append(answer)


try:
    target = call("Target.createTarget", url="about:blank")["targetId"]
    page = call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Network", "Log", "Runtime"):
        call(f"{domain}.enable", page)

    def value(expression):
        return call("Runtime.evaluate", page, expression=expression, returnByValue=True)["result"].get("value")

    def background(scheme):
        call("Emulation.setEmulatedMedia", page, features=[{"name": "prefers-color-scheme", "value": scheme}])
        return value("getComputedStyle(document.body).backgroundColor")

    call("Page.navigate", page, url=url)
    while not any(event.get("method") == "Page.loadEventFired" for event in events):
        events.append(read())
    call("Emulation.setDeviceMetricsOverride", page, width=360, height=800, deviceScaleFactor=1, mobile=True)
    result = {
        "title": value("document.title"),
        "text": value("document.body.innerText"),
        "scripts": value("document.scripts.length"),
        "overflow": value("document.documentElement.scrollWidth - document.documentElement.clientWidth"),
        "light": background("light"),
        "dark": background("dark"),
        "pdf": len(call("Page.printToPDF", page)["data"]),
    }
    result["values"] = [value(expression) for expression in expressions]
    result["requests"] = [
        event["params"]["request"]["url"] for event in events if event.get("method") == "Network.requestWillBeSent"
    ]
    result["console"] = [
        event["params"].get("entry", event["params"])
        for event in events
        if event.get("method") in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
    ]
    print(json.dumps(result))
finally:
    browser.kill()
    browser.wait()
