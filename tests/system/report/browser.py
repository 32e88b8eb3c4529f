#!/usr/bin/env python3
"""Opens a page of `minivmm report` in headless Chromium and looks at it.

browser.py CHROMIUM CHROMEDRIVER STREAM PAGE [SCREENSHOTS]: one TAP line, without a number, for each
property. What the page must show is counted in STREAM itself. Screenshots stay in the folder
SCREENSHOTS if that is given. Only Python's standard library; WebDriver is HTTP and JSON.
"""
import base64
import collections
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zlib

STEP_LIMIT = 60 * int(os.environ.get("TIMEOUT_FACTOR", "1"))  # seconds, for one command of the browser

EVENT = re.compile(r'(?:@\d+ )?(out|in|outs|ins|store|load|rdmsr|wrmsr|hlt|shutdown|intr|irq-window|'
                   r'debug|exception|fail-entry|internal-error|unknown-hardware|system-event|other)\b'
                   r' ?(\S*)')


class Stream:
    """What a page has to show."""

    def __init__(self, path):
        self.classes = collections.Counter()
        self.flags = 0
        self.report = []
        ended = False
        with open(path, encoding='utf-8') as lines:
            for line in lines:
                event = EVENT.match(line)
                if event:
                    address = '' if event[2] in ('', ';') else ' ' + event[2]
                    self.classes[event[1] + address] += 1
                elif line.startswith('report '):
                    self.report.append(re.sub(r'\\(["\\])', r'\1', line[len('report "'):-2]))
                elif line.startswith('> end'):
                    ended = True
                self.flags += bool(re.match(r'> (marker|post|end) |typed |test ', line))
                self.flags += line.startswith('ended ') and not ended
        self.exits = sum(self.classes.values())


class Browser:
    """A WebDriver session with a Chromium of its own."""

    def __init__(self, chromium, chromedriver, folder):
        self.driver = subprocess.Popen([chromedriver, '--port=0'], stdout=subprocess.PIPE, text=True,
                                       stderr=subprocess.DEVNULL, env={**os.environ, 'HOME': folder})
        self.session = ''
        for line in self.driver.stdout:
            port = re.search(r'started successfully on port (\d+)', line)
            if port:
                self.url = f'http://127.0.0.1:{port[1]}/session'
                break
        else:
            raise RuntimeError('chromedriver does not start')
        arguments = ['--headless=new', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars',
                     '--window-size=1280,1000', f'--user-data-dir={folder}/profile']
        if os.geteuid() == 0:
            arguments.append('--no-sandbox')  # Chromium has none for root
        self.session = '/' + self.command('POST', '', {'capabilities': {'alwaysMatch': {
            'goog:chromeOptions': {'binary': chromium, 'args': arguments},
            'goog:loggingPrefs': {'browser': 'ALL', 'performance': 'ALL'},
        }}})['sessionId']

    def command(self, method, path, body=None):
        request = urllib.request.Request(self.url + self.session + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={'Content-Type': 'application/json'})
        try:
            with urllib.request.urlopen(request, timeout=STEP_LIMIT) as reply:
                return json.load(reply)['value']
        except urllib.error.HTTPError as error:
            raise RuntimeError(f'{path}: {error.read().decode()[:300]}') from error

    def run(self, script):
        return self.command('POST', '/execute/sync', {'script': script, 'args': []})

    def open(self, url):
        self.command('POST', '/url', {'url': url})

    def settle(self):
        """Until what was asked for is drawn."""
        self.command('POST', '/execute/async', {'args': [], 'script': '''
            const done = arguments[0];
            requestAnimationFrame(() => requestAnimationFrame(() => done()));'''})

    def log(self, kind):
        return self.command('POST', '/se/log', {'type': kind})

    def click(self, selector):
        self.run(f'document.querySelector({json.dumps(selector)}).click()')
        self.settle()

    def act(self, *sources):
        self.command('POST', '/actions', {'actions': sources})
        self.settle()

    def canvas_point(self, x, y=0.5):
        """Where on the screen a place of the canvas is, given in parts of it."""
        return self.run(f'''const canvas = document.getElementById('canvas');
            canvas.scrollIntoView({{block: 'center'}});
            const box = canvas.getBoundingClientRect();
            return [Math.round(box.left + {x} * box.width), Math.round(box.top + {y} * box.height)];''')

    def wheel(self, delta):
        x, y = self.canvas_point(0.5)
        self.act({'type': 'wheel', 'id': 'wheel', 'actions': [
            {'type': 'scroll', 'x': x, 'y': y, 'deltaX': 0, 'deltaY': delta, 'duration': 0}]})

    def drag(self, start, end):
        x, y = self.canvas_point(start)
        to, _ = self.canvas_point(end)
        move = {'type': 'pointerMove', 'duration': 0}
        self.act({'type': 'pointer', 'id': 'mouse', 'actions': [
            {**move, 'x': x, 'y': y}, {'type': 'pointerDown', 'button': 0},
            {**move, 'x': to, 'y': y}, {'type': 'pointerUp', 'button': 0}]})

    def key(self, key):
        self.run("document.getElementById('canvas').focus()")
        self.act({'type': 'key', 'id': 'keys', 'actions': [
            {'type': 'keyDown', 'value': key}, {'type': 'keyUp', 'value': key}]})

    def span(self):
        start, end = self.run("const d = document.getElementById('range').dataset; return [d.from, d.to]")
        return float(end) - float(start)

    def scheme(self, name):
        self.command('POST', '/goog/cdp/execute', {'cmd': 'Emulation.setEmulatedMedia', 'params': {
            'features': [{'name': 'prefers-color-scheme', 'value': name}]}})
        self.settle()

    def screenshot(self):
        return base64.b64decode(self.command('GET', '/screenshot'))

    def close(self):
        try:
            if self.session:
                self.command('DELETE', '')
        finally:
            self.driver.terminate()
            self.driver.wait()


def unfilter(kind, line, above, size):
    """One line of a PNG as it was before its filter (PNG specification, 9.2)."""
    for i in range(len(line)):
        left = line[i - size] if i >= size else 0
        up = above[i]
        if kind == 1:
            line[i] = line[i] + left & 255
        elif kind == 2:
            line[i] = line[i] + up & 255
        elif kind == 3:
            line[i] = line[i] + (left + up) // 2 & 255
        elif kind == 4:
            corner = above[i - size] if i >= size else 0
            estimate = left + up - corner
            nearest = min((left, up, corner), key=lambda value: abs(estimate - value))
            line[i] = line[i] + nearest & 255
    return line


def png_colours(png):
    """How often each colour is there, most frequent first."""
    at, packed = 8, b''
    width = height = size = 0
    while at < len(png):
        length, kind = struct.unpack('>I4s', png[at:at + 8])
        body = png[at + 8:at + 8 + length]
        if kind == b'IHDR':
            width, height, depth, colour_type = struct.unpack('>IIBB', body[:10])
            size = {2: 3, 6: 4}[colour_type]
            assert depth == 8
        elif kind == b'IDAT':
            packed += body
        at += length + 12
    rows, stride = zlib.decompress(packed), width * size + 1
    colours = collections.Counter()
    line = bytearray(width * size)
    for y in range(height):
        row = rows[y * stride:(y + 1) * stride]
        line = unfilter(row[0], bytearray(row[1:]), line, size)
        colours.update(bytes(line[x:x + 3]) for x in range(0, len(line), size))
    return colours.most_common()


CELLS = '''return [...document.querySelectorAll('#classes tbody tr')]
    .map((row) => [row.cells[0].textContent, Number(row.cells[1].textContent.replaceAll(',', ''))])'''


class Checks:
    """Each method is a test; its docstring is the name; what it returns is what is wrong."""

    def __init__(self, browser, stream, page, shots):
        self.browser, self.stream, self.page, self.shots = browser, stream, page, shots

    def numbers(self):
        """the exits and classes are those of the stream"""
        rows = dict(self.browser.run(CELLS))
        tile = self.browser.run("return document.querySelector('.tile b').textContent")
        if int(tile.replace(',', '')) != self.stream.exits:
            return f'{tile} exits, not {self.stream.exits}'
        if rows != dict(self.stream.classes):
            return f'{rows}, not {dict(self.stream.classes)}'

    def milestones(self):
        """each milestone has a row"""
        rows = self.browser.run("return document.querySelectorAll('#flags tbody tr').length")
        if rows != self.stream.flags:
            return f'{rows} rows, not {self.stream.flags}'

    def buttons(self):
        """the buttons zoom in and out"""
        before = self.browser.span()
        self.browser.click('#zoom-in')
        nearer = self.browser.span()
        self.browser.click('#zoom-out')
        after = self.browser.span()
        if not nearer < before == after:
            return f'{before}, {nearer}, {after} ns'

    def wheel(self):
        """the wheel zooms in and out"""
        before = self.browser.span()
        self.browser.wheel(-120)
        self.browser.wheel(-120)
        nearer = self.browser.span()
        self.browser.wheel(120)
        after = self.browser.span()
        self.browser.click('#zoom-all')
        if not nearer < after < before:
            return f'{before}, {nearer}, {after} ns'

    def keys(self):
        """the keyboard zooms and shows all again"""
        before = self.browser.span()
        self.browser.key('+')
        nearer = self.browser.span()
        self.browser.key('0')
        if not nearer < before == self.browser.span():
            return f'{before}, {nearer}, {self.browser.span()} ns'

    def dragging(self):
        """dragging shows the part that was marked"""
        before = self.browser.span()
        self.browser.drag(0.3, 0.5)
        nearer = self.browser.span()
        if self.shots:
            self.keep('zoomed', self.browser.screenshot())
        self.browser.click('#zoom-all')
        if not 0.15 < nearer / before < 0.35:
            return f'{before}, {nearer} ns'

    def sorting(self):
        """the table of classes is sorted by its headings"""
        heading = '#classes th:nth-child(%d) button'
        self.browser.click(heading % 2)
        counts = [row[1] for row in self.browser.run(CELLS)]
        self.browser.click(heading % 1)
        names = [row[0].split(' ')[0] for row in self.browser.run(CELLS)]
        sort = self.browser.run("return document.querySelector('#classes th').ariaSort")
        self.browser.click(heading % 2)
        down = [row[1] for row in self.browser.run(CELLS)]
        if counts != sorted(counts) or down != sorted(counts, reverse=True):
            return f'by number: {counts}, {down}'
        if names != sorted(names) or sort != 'ascending':
            return f'by name, {sort}: {names}'

    def crash(self):
        """the crash report is there as it was written"""
        shown = self.browser.run("return document.getElementById('crash').textContent")
        if shown != ''.join(line + '\n' for line in self.stream.report):
            return repr(shown)

    def jumping(self):
        """a time in a table shows its place in the timeline"""
        before = self.browser.span()
        self.browser.click('#last tbody tr:last-child button')
        nearer = self.browser.span()
        self.browser.click('#zoom-all')
        if not nearer < before:
            return f'{before}, {nearer} ns'

    def harm(self):
        """text of the stream is text in the page"""
        title = self.browser.run('return document.title')
        name = os.path.basename(self.page).replace('.html', '.exits')
        foreign = self.browser.run("return document.querySelectorAll('img, b[onclick], script').length")
        if title != f'{name} · minivmm report':
            return f'the title is {title}'
        if foreign != 2:
            return f'{foreign} elements that are scripts or markup of the stream, not the page\'s 2'

    def keep(self, name, png):
        base = os.path.basename(self.page).replace('.html', '')
        with open(f'{self.shots}/{base}-{name}.png', 'wb') as file:
            file.write(png)

    def look(self, scheme):
        self.browser.scheme(scheme)
        self.browser.run('scrollTo(0, 0)')
        self.browser.settle()
        png = self.browser.screenshot()
        if self.shots:
            self.keep(scheme, png)
        colours = png_colours(png)
        dark = sum(colours[0][0]) < 3 * 128
        if len(colours) < 100:
            return f'a screenshot with {len(colours)} colours is blank'
        if dark != (scheme == 'dark'):
            return f'most of it is {colours[0][0].hex()}'

    def light(self):
        """it can be seen in the light scheme"""
        return self.look('light')

    def dark(self):
        """it can be seen in the dark scheme"""
        return self.look('dark')

    def console(self):
        """the browser has no complaints"""
        lines = [entry['message'] for entry in self.browser.log('browser')]
        if lines:
            return '; '.join(lines)

    def network(self):
        """nothing is fetched but the page itself"""
        events = [json.loads(entry['message'])['message'] for entry in self.browser.log('performance')]
        urls = {event['params']['request']['url'] for event in events
                if event['method'] == 'Network.requestWillBeSent'}
        if urls != {'file://' + self.page}:
            return f'{urls}'

    ORDER = (numbers, milestones, buttons, wheel, keys, dragging, sorting, crash, jumping, light, dark,
             harm, console, network)


def main():
    chromium, chromedriver, stream, page = sys.argv[1:5]
    shots = sys.argv[5] if len(sys.argv) > 5 else ''
    page = os.path.realpath(page)
    name = os.path.basename(page).replace('.html', '')
    failed = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(chromium, chromedriver, folder)
        try:
            browser.open('about:blank')
            browser.log('performance')  # Chromium's own first page is not ours to judge
            browser.open('file://' + page)
            browser.settle()
            checks = Checks(browser, Stream(stream), page, shots)
            for check in Checks.ORDER:
                wrong = check(checks)
                failed += bool(wrong)
                print(f'{"not ok" if wrong else "ok"} - report {name}: {check.__doc__}')
                if wrong:
                    print(f'# {wrong}')
        finally:
            browser.close()
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
