/* Everything except the timeline: the header, histograms and tables. */

function fillHeader() {
    const busy = data.tracks.reduce((sum, track) => sum + track.busy, 0);
    const seconds = data.end / 1e9;
    const machine = decode(data.machine);
    const [, guest, recorder] = decode(data.recorded).match(/^"(.*)"(?: by )?(.*)$/) || [];
    const tiles = [
        ['exits', formatCount(data.exits)],
        [data.tracks.length === 1 ? 'vCPU with exits' : 'vCPUs with exits', formatCount(data.tracks.length)],
    ];

    byId('file').textContent = decode(data.file);
    document.title = `${decode(data.file)} · minivmm report`;
    if (data.timed) {
        tiles.push(['duration', formatTime(data.end)]);
        if (seconds > 0)
            tiles.push(['exits per second', Math.round(data.exits / seconds).toLocaleString('en')]);
        if (seconds > 0 && data.tracks.length)
            tiles.push(['of the time in the handler', formatShare(busy / (data.end * data.tracks.length))]);
    }
    tiles.push(['exit classes', formatCount(classes.length)]);
    if (data.tests)
        tiles.push([data.tests === 1 ? 'test' : 'tests', formatCount(data.tests)]);
    for (const [name, value] of tiles) {
        const tile = make('div', undefined, 'tile');

        tile.append(make('b', value), make('span', name));
        byId('tiles').append(tile);
    }
    if (guest && recorder)
        addFact('guest', guest);
    addFact('machine', machine ? machine.split(/ +/).map(shortenMemory) : 'the presets');
    addFact('devices', data.devices.length ? data.devices.map(decode) : 'none');
    if (data.start_ms)
        addFact('recorded', `${new Date(data.start_ms).toISOString().replace('T', ' ').slice(0, 19)} UTC` +
            (recorder || guest ? `, by ${recorder || guest}` : ''));
    fillVerdict();
}

/* memory=67108864 becomes 64M. */
function shortenMemory(word) {
    const [, bytes] = word.match(/^memory=(\d+)$/) || [];

    return bytes && bytes % 2 ** 20 === 0 ? `memory=${bytes / 2 ** 20}M` : word;
}

/* A list becomes a row of words, a string stays one. */
function addFact(name, value) {
    const place = make('dd');

    if (Array.isArray(value))
        value.forEach((word) => place.append(make('code', word), ' '));
    else
        place.textContent = value;
    byId('facts').append(make('dt', name), place);
}

function fillVerdict() {
    const [outcome, status] = decode(data.outcome).split(/ +/);
    const words = {
        'guest': `the guest ended itself${status ? ` with status ${status}` : ''}`,
        'triple-fault': 'the guest crashed with a triple fault',
        'crash': 'KVM cannot continue the guest',
        'timeout': 'the time limit passed',
        'interrupted': 'ended from outside',
        'reset': 'the guest asked for a reset',
        'output': 'the console or a log could not be written',
        'internal': 'an error in the monitor',
    };
    const verdict = byId('verdict');

    if (outcome)
        verdict.textContent = words[outcome] || decode(data.outcome);
    else
        verdict.textContent = data.partial ? 'the recording broke off' : 'no end is recorded';
    if (outcome)
        verdict.className = outcome === 'guest' && !Number(status) ? 'good' : 'bad';
}

function fillNotes() {
    const notes = [];

    if (data.partial)
        notes.push('This recording broke off: it has no end. What came before is shown.');
    else if (data.done && data.announced !== data.exits)
        notes.push(`The recording says that it has ${formatCount(data.announced)} exits; ${formatCount(data.exits)} are there.`);
    if (data.exits && !data.timed)
        notes.push('This stream has no times. The timeline counts exits instead, and there are no handler times.');
    if (data.mixed)
        notes.push('Some exits have times and others have none: those without take the time of the exit before.');
    if (data.waits)
        notes.push(`Writing the recording made a vCPU wait ${formatCount(data.waits)} times, so some gaps are longer than without it.`);
    for (const note of notes)
        byId('notes').append(make('li', note));
}

function fillLegend() {
    const legend = byId('legend');
    const add = (colour, name) => {
        const item = make('li');

        item.append(makeChip(colour), name);
        legend.append(item);
    };
    const own = ranked.filter((item) => item.colour < OTHER_COLOUR);
    const rest = ranked.filter((item) => item.colour === OTHER_COLOUR);

    own.forEach((item) => add(item.colour, item.name));
    if (rest.length)
        add(OTHER_COLOUR, rest.length === 1 ? rest[0].name : `${formatCount(rest.length)} further classes`);
    ranked.filter((item) => item.colour === FATAL_COLOUR).forEach((item) => add(FATAL_COLOUR, item.name));
    byId('timeline-hint').textContent = hintOfTimeline();
}

function hintOfTimeline() {
    const hints = [];

    if (!data.exits) {
        byId('stage').hidden = byId('range').hidden = true;
        return 'This stream has no exits.';
    }
    if (data.timed)
        hints.push('Coloured: in the handler; between: in the guest or waiting.');
    if (timeline.hasLoad)
        hints.push('The graph below a track is the share of time in the handler, scaled to its greatest value in view.');
    if (data.resolution)
        hints.push(`Where exits are dense, those within ${formatTime(data.resolution)} are drawn as one; the first and the last 4,096 are drawn each.`);
    hints.push('Wheel or + and −: zoom. Drag: zoom to a part. Arrow keys, or the strip below the tracks: move. Double click or 0: all.');
    return hints.join(' ');
}

/* Histograms. */

const BARS_PER_OCTAVE = 4;
const ROW = 58, BARS = 36, ROWS_AT_FIRST = 8;

/* The lower and upper limit of bucket (number). */
function bucketBounds(number) {
    const sub = 2 ** data.sub_bits;
    const shift = Math.max(Math.floor(number / sub) - 1, 0);
    const first = (number - shift * sub) * 2 ** shift;

    return [first, first + 2 ** shift];
}

/* Bars of equal width on the logarithmic axis: position and count. */
function barsOf(item) {
    const bars = new Map();

    for (let i = 0; i < item.buckets.length; i += 2) {
        const [first, end] = bucketBounds(item.buckets[i]);
        const bar = Math.floor(BARS_PER_OCTAVE * Math.log2(Math.max((first + end) / 2, 1)));

        bars.set(bar, (bars.get(bar) || 0) + item.buckets[i + 1]);
    }
    return bars;
}

function svg(name, attributes, text) {
    const node = document.createElementNS('http://www.w3.org/2000/svg', name);

    for (const [key, value] of Object.entries(attributes))
        node.setAttribute(key, value);
    if (text !== undefined)
        node.textContent = text;
    return node;
}

function drawRow(root, item, bars, top, toX, left, right) {
    const most = Math.max(...bars.values());
    const base = top + 14 + BARS;
    const line = (at, className) => root.append(svg('line', { x1: toX(Math.log2(Math.max(at, 1))),
        x2: toX(Math.log2(Math.max(at, 1))), y1: top + 10, y2: base, class: className }));

    root.append(svg('text', { x: 0, y: base - 20, class: 'name' }, item.name));
    root.append(svg('text', { x: 0, y: base - 5, class: 'soft' }, `${formatExits(item.measured)}`));
    root.append(svg('line', { x1: left, x2: right, y1: base + 0.5, y2: base + 0.5, class: 'base' }));
    for (const [bar, count] of bars) {
        const x = toX(bar / BARS_PER_OCTAVE);
        const height = Math.max(count / most * BARS, 1);
        const node = svg('rect', { x: x + 0.5, y: base - height, height,
            width: Math.max(toX((bar + 1) / BARS_PER_OCTAVE) - x - 1, 1) });

        node.style.fill = `var(--c${item.colour})`;
        node.append(svg('title', {}, `${formatTime(2 ** (bar / BARS_PER_OCTAVE))} to ` +
            `${formatTime(2 ** ((bar + 1) / BARS_PER_OCTAVE))}: ${formatExits(count)}`));
        root.append(node);
    }
    line(item.median, 'median');
    line(item.p99, 'p99');
    root.append(svg('text', { x: right + 10, y: base - 20 }, `median ${formatTime(item.median)}`));
    root.append(svg('text', { x: right + 10, y: base - 5, class: 'soft' },
        `p99 ${formatTime(item.p99)} · peak ${formatShare(most / item.measured)}`));
}

/* Powers of ten; with 2 and 5 between where an octave, of (width) pixels, has room. */
function axisValues(width) {
    const factors = width > 60 ? [1, 2, 5] : [1];

    return [...Array(19).keys()].flatMap((power) => factors.map((factor) => factor * 10 ** power));
}

function drawHistograms(place, items, width) {
    const left = Math.min(190, width / 4), right = Math.max(width - 190, left + 50);
    const rows = items.map((item) => [item, barsOf(item)]);
    const keys = rows.flatMap(([, bars]) => [...bars.keys()]);
    const low = Math.floor(Math.min(...keys) / BARS_PER_OCTAVE - 0.5);
    const high = Math.max(Math.ceil((Math.max(...keys) + 1) / BARS_PER_OCTAVE + 0.5), low + 3);
    const toX = (octave) => left + (octave - low) / (high - low) * (right - left);
    const bottom = rows.length * ROW + 4;
    const root = svg('svg', { width, height: bottom + 22, role: 'img',
        'aria-label': 'Histograms of the handler time for each class; the table of classes has the numbers' });

    for (const value of axisValues((right - left) / (high - low))) {
        const x = toX(Math.log2(value));

        if (x < left - 0.5 || x > right + 0.5)
            continue;
        root.append(svg('line', { x1: x, x2: x, y1: 6, y2: bottom, class: 'grid' }));
        root.append(svg('text', { x, y: bottom + 15, 'text-anchor': 'middle', class: 'soft' },
            formatTime(value).replace(/\.0+ /, ' ')));
    }
    rows.forEach(([item, bars], i) => drawRow(root, item, bars, i * ROW, toX, left, right));
    root.append(svg('text', { x: right + 10, y: bottom + 15, class: 'soft' }, '— median   ┄ p99'));
    place.replaceChildren(root);
}

function fillHistograms() {
    const place = byId('latency');
    const measured = ranked.filter((item) => item.measured);
    const chart = make('div');
    let items = measured.slice(0, ROWS_AT_FIRST);
    let width = 0;

    if (!measured.length) {
        byId('latency-hint').textContent = 'No handler times in this stream.';
        return;
    }
    const redraw = () => {
        width = place.clientWidth;
        drawHistograms(chart, items, width);
    };
    place.append(chart);
    if (measured.length > items.length) {
        const more = make('button', `Show all ${formatCount(measured.length)} classes`, 'more');

        more.type = 'button';
        more.addEventListener('click', () => {
            items = measured;
            more.remove();
            redraw();
        });
        place.append(more);
    }
    redraw();
    new ResizeObserver(() => { if (place.clientWidth !== width) redraw(); }).observe(place);
}

/* Tables. */

function addRow(body, cells) {
    const row = make('tr');

    for (const cell of cells)
        row.append(cell);
    body.append(row);
    return row;
}

const numberCell = (text) => make('td', text, 'number');

function addHead(table, columns) {
    const row = make('tr');

    for (const [name, isNumber] of columns) {
        const cell = make('th', name, isNumber ? 'number' : '');

        cell.scope = 'col';
        row.append(cell);
    }
    table.tHead.append(row);
}

function emptyRow(body, columns, words) {
    const cell = make('td', words, 'hint');

    cell.colSpan = columns;
    addRow(body, [cell]);
}

/* A time; a click shows its place in the timeline. */
function timeCell(time) {
    const cell = make('td', undefined, 'number');
    const button = make('button', formatPoint(data.timed ? time : time + 1, data.timed ? 1000 : 1), 'jump');

    button.type = 'button';
    button.title = 'Show in the timeline';
    button.addEventListener('click', () => timeline.show(time));
    cell.append(button);
    return cell;
}

const CLASS_COLUMNS = [
    ['class', (item) => item.name],
    ['exits', (item) => item.count],
    ['share', (item) => item.count],
    ['total', (item) => item.sum],
    ['min', (item) => item.min],
    ['median', (item) => item.median],
    ['p99', (item) => item.p99],
    ['max', (item) => item.max],
];

function classRow(item) {
    const name = make('td');
    const share = numberCell(formatShare(item.count / data.exits));
    const meter = make('span', undefined, 'meter');
    const bar = make('i');

    name.append(makeChip(item.colour), make('code', item.name));
    bar.style.width = `${100 * item.count / data.exits}%`;
    bar.style.background = `var(--c${item.colour})`;
    meter.append(bar);
    share.className += ' share';
    share.append(meter);
    return [name, numberCell(formatCount(item.count)), share,
        ...['sum', 'min', 'median', 'p99', 'max'].map((key) =>
            numberCell(item.measured ? formatTime(item[key]) : '–'))];
}

function sortClasses(column, ascending) {
    const table = byId('classes');
    const body = table.tBodies[0];
    const value = CLASS_COLUMNS[column][1];
    const order = (a, b) => (typeof value(a) === 'string'
        ? value(a).localeCompare(value(b), 'en', { numeric: true }) : value(a) - value(b));
    const items = ranked.slice().sort((a, b) => (ascending ? order(a, b) : order(b, a)));

    [...table.tHead.rows[0].cells].forEach((cell, i) => {
        if (i === column)
            cell.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
        else
            cell.removeAttribute('aria-sort');
    });
    body.replaceChildren();
    items.forEach((item) => addRow(body, classRow(item)));
    if (!items.length)
        emptyRow(body, CLASS_COLUMNS.length, 'No exits.');
}

function fillClasses() {
    const row = make('tr');

    CLASS_COLUMNS.forEach(([name], column) => {
        const cell = make('th', undefined, column ? 'number' : '');
        const button = make('button', name);

        cell.scope = 'col';
        button.type = 'button';
        button.addEventListener('click', () => {
            const now = cell.getAttribute('aria-sort');

            sortClasses(column, now ? now === 'descending' : column === 0);
        });
        cell.append(button);
        row.append(cell);
    });
    byId('classes').tHead.append(row);
    sortClasses(1, false);
}

function fillFlags() {
    const table = byId('flags');
    const timeName = data.timed ? 'time' : 'at exit';
    let before = 0;

    if (!flags.length) {
        byId('flags-hint').textContent = 'No milestones in this stream: no markers, no POST codes.';
        table.hidden = true;
        return;
    }
    addHead(table, [[timeName, true], ['since the one before', true], ['vCPU', true],
        ...(data.timed ? [['exit', true]] : []), ['kind'], ['what']]);
    flags.forEach((flag, i) => {
        const since = data.timed ? formatTime(flag.time - before) : formatCount(flag.time - before);

        before = flag.time;
        addRow(table.tBodies[0], [timeCell(flag.time), numberCell(i ? since : '–'),
            numberCell(String(flag.vcpu)),
            ...(data.timed ? [numberCell(flag.exit ? formatCount(flag.exit) : '–')] : []),
            make('td', flag.kind === 'post' ? 'POST' : flag.kind),
            make('td', decode(flag.text) + (flag.cut ? '…' : ''))]);
    });
    if (data.flag_count > flags.length)
        byId('flags-hint').textContent = `The first and the last thousand of ${formatCount(data.flag_count)}.`;
}

function fillLast() {
    const table = byId('last');
    const columns = [['exit', true], ['vCPU', true], [data.timed ? 'time' : 'at', true], ['handler', true],
        ['what, with its inputs (<) and effects (>)']];

    byId('last-hint').textContent = data.last.length
        ? `The last ${formatCount(data.last.length)} events before the end, as the stream has them; the newest at the bottom.` : '';
    addHead(table, columns);
    if (!data.last.length)
        emptyRow(table.tBodies[0], columns.length, 'No exits.');
    for (const item of data.last) {
        const what = make('td');

        what.append(make('code', decode(item.line)));
        if (item.details)
            what.append(make('pre', decode(item.details)));
        addRow(table.tBodies[0], [numberCell(item.number ? formatCount(item.number) : 'outside'),
            numberCell(String(item.vcpu)), timeCell(item.time),
            numberCell(item.handled === undefined ? '–' : formatTime(item.handled)), what]);
    }
    table.parentElement.scrollTop = table.parentElement.scrollHeight;
}

function fillCrash() {
    byId('crash').textContent = decode(data.report);
    byId('crash').hidden = !data.report;
    if (!data.report)
        byId('crash-hint').textContent = 'No crash report: the stream has none.';
}

fillHeader();
fillNotes();
fillLegend();
fillHistograms();
fillClasses();
fillFlags();
fillLast();
fillCrash();
