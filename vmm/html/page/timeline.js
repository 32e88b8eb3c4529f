/*
 * The timeline: a canvas of tracks. Each pixel column shows which classes the exits in it were of;
 * below, the share of the column's time that the vCPU was in the handler.
 */
const timeline = (() => {
    const canvas = byId('canvas');
    const tip = byId('tip');
    const context = canvas.getContext('2d');
    const length = Math.max(data.end, 1);
    const shortest = data.timed ? 20 : 4; /* the shortest visible part */
    const LEFT = 124, RIGHT = 12, FLAG_ROW = 18, AXIS = 22, GAP = 10, THUMB = 10;
    const FONT = '12px system-ui, "DejaVu Sans", sans-serif';
    const FONT_SMALL = '11px system-ui, "DejaVu Sans", sans-serif';
    const many = data.tracks.length;
    const LANE = many <= 8 ? 32 : many <= 20 ? 18 : 11;
    const LOAD = !data.timed || many > 20 ? 0 : many <= 8 ? 16 : 8;
    const FLAG_ROWS = Math.min(flags.length, 3);
    const FLAGS = flags.length ? FLAG_ROWS * FLAG_ROW + 6 : 4;
    const view = { from: 0, to: length };
    const sorted = flags.slice().sort((a, b) => a.time - b.time);
    let width = 0, height = 0, colours = {}, drawing = false, shown = [];

    /* A track's slices as arrays, and above them levels in which a node covers two below. */
    function readTrack(track) {
        const level = { start: [], end: [], busy: [], weight: [], count: [], mix: [] };
        const from = track.slices;
        const weight = level.weight; /* COLOURS of them for each slice */
        let time = 0;

        for (let at = 0; at < from.length;) {
            const start = time + from[at++];
            const first = weight.length;
            const mix = [];
            let busy;

            for (let colour = 0; colour < COLOURS; colour++)
                weight.push(0);

            time = start + from[at++];
            const count = from[at++];
            if (count === 1) {
                busy = time - start;
                mix.push([from[at], 1]);
                weight[first + colourOf(from[at++])] += Math.max(busy, 1);
            } else {
                busy = from[at++];
                for (let shares = from[at++]; shares > 0; shares--, at += 2) {
                    mix.push([from[at], from[at + 1] / 1000]);
                    weight[first + colourOf(from[at])] += from[at + 1] / 1000 * Math.max(busy, count);
                }
            }
            level.start.push(start);
            level.end.push(time);
            level.busy.push(busy);
            level.count.push(count);
            level.mix.push(mix.sort((a, b) => b[1] - a[1]));
        }
        return { ...track, levels: buildLevels(level) };
    }

    function buildLevels(bottom) {
        const levels = [bottom];

        while (levels[levels.length - 1].start.length > 1)
            levels.push(buildLevel(levels[levels.length - 1]));
        return levels;
    }

    function buildLevel(below) {
        const size = below.start.length, half = Math.ceil(size / 2);
        const level = { start: new Float64Array(half), end: new Float64Array(half),
            busy: new Float64Array(half), weight: new Float64Array(half * COLOURS) };

        for (let i = 0; i < size; i++) {
            const node = i >> 1;

            if (i % 2 === 0)
                level.start[node] = below.start[i];
            level.end[node] = below.end[i];
            level.busy[node] += below.busy[i];
            for (let colour = 0; colour < COLOURS; colour++)
                level.weight[node * COLOURS + colour] += below.weight[i * COLOURS + colour];
        }
        return level;
    }

    const tracks = data.tracks.map(readTrack).sort((a, b) => a.vcpu - b.vcpu);
    const trackTop = (index) => FLAGS + AXIS + index * (LANE + LOAD + GAP);
    const plotWidth = () => Math.max(width - LEFT - RIGHT, 10);
    const toX = (time) => LEFT + (time - view.from) / (view.to - view.from) * plotWidth();
    const toTime = (x) => view.from + (x - LEFT) / plotWidth() * (view.to - view.from);

    /* Add a slice to the columns that it covers, in proportion. */
    function addSlice(columns, level, i) {
        const perPixel = (view.to - view.from) / plotWidth();
        const start = (level.start[i] - view.from) / perPixel;
        const end = Math.max((level.end[i] - view.from) / perPixel, start + 1e-9);
        const first = Math.max(Math.floor(start), 0);
        const last = Math.min(Math.ceil(end), columns.busy.length);

        for (let x = first; x < last; x++) {
            const part = (Math.min(end, x + 1) - Math.max(start, x)) / (end - start);

            columns.busy[x] += level.busy[i] * part;
            for (let colour = 0; colour < COLOURS; colour++)
                columns.weight[x * COLOURS + colour] += level.weight[i * COLOURS + colour] * part;
        }
    }

    /* Down to nodes within one pixel, or to slices. */
    function addNode(columns, levels, depth, i) {
        const level = levels[depth];

        if (level.end[i] < view.from || level.start[i] > view.to)
            return;
        if (depth === 0 || (level.end[i] - level.start[i]) * plotWidth() <= view.to - view.from) {
            addSlice(columns, level, i);
            return;
        }
        addNode(columns, levels, depth - 1, 2 * i);
        if (2 * i + 1 < levels[depth - 1].start.length)
            addNode(columns, levels, depth - 1, 2 * i + 1);
    }

    function columnsOf(track) {
        const count = Math.ceil(plotWidth());
        const columns = { busy: new Float64Array(count), weight: new Float64Array(count * COLOURS) };

        if (track.levels[0].start.length)
            addNode(columns, track.levels, track.levels.length - 1, 0);
        return columns;
    }

    function text(string, x, y, colour, align, font) {
        context.fillStyle = colour;
        context.textAlign = align || 'left';
        context.font = font || FONT;
        context.textBaseline = 'middle';
        context.fillText(string, x, y);
    }

    function drawLane(columns, top) {
        context.fillStyle = colours.guest;
        context.fillRect(LEFT, top, plotWidth(), LANE);
        for (let x = 0; x < columns.busy.length; x++) {
            const weights = columns.weight.subarray(x * COLOURS, (x + 1) * COLOURS);
            const whole = weights.reduce((sum, value) => sum + value, 0);
            let y = top + LANE;

            for (let colour = 0; colour < COLOURS && whole > 0; colour++) {
                const part = weights[colour] / whole * LANE;

                if (part === 0)
                    continue;
                context.fillStyle = colours.classes[colour];
                context.fillRect(LEFT + x, y - part, Math.min(1, plotWidth() - x), part);
                y -= part;
            }
        }
    }

    /* The greatest share of the visible columns, which is the top of the graph. */
    function drawLoad(columns, top) {
        const perPixel = (view.to - view.from) / plotWidth();
        const peak = Math.min(columns.busy.reduce((a, b) => Math.max(a, b), 0) / perPixel, 1);

        context.fillStyle = colours.soft;
        for (let x = 0; x < columns.busy.length && peak > 0; x++) {
            const part = Math.min(columns.busy[x] / perPixel, 1) / peak * (LOAD - 2);

            context.fillRect(LEFT + x, top + LOAD - part, 1, part);
        }
        context.fillStyle = colours.line;
        context.fillRect(LEFT, top + LOAD, plotWidth(), 1);
        return peak;
    }

    function drawTrack(track, index) {
        const top = trackTop(index);
        const columns = columnsOf(track);
        const name = track.shared ? 'further vCPUs' : `vCPU ${track.vcpu}`;

        drawLane(columns, top);
        text(name, LEFT - 10, top + LANE / 2, colours.ink, 'right',
            LANE < 16 ? FONT_SMALL : FONT);
        if (!LOAD)
            return;
        const peak = drawLoad(columns, top + LANE + 2);
        if (LOAD > 10)
            text(`handler ≤ ${formatShare(peak)}`, LEFT - 10, top + LANE + 2 + LOAD / 2,
                colours.soft, 'right', FONT_SMALL);
    }

    /* 1, 2 or 5 times a power of ten, so that labels have room. */
    function tickStep() {
        const least = (view.to - view.from) / Math.max(plotWidth() / 110, 1);
        const power = 10 ** Math.floor(Math.log10(least));
        const step = [1, 2, 5, 10].find((factor) => factor * power >= least) * power;

        return data.timed ? step : Math.max(step, 1);
    }

    function drawAxis() {
        const step = tickStep();
        const last = data.timed ? view.to : Math.min(view.to, length - 1);
        const bottom = trackTop(tracks.length) - GAP;

        for (let i = Math.ceil(view.from / step); i * step <= last; i++) {
            const x = Math.round(toX(i * step)) + 0.5;
            const label = data.timed ? formatPoint(i * step, step) : formatCount(Math.round(i * step + 1));

            context.fillStyle = colours.grid;
            context.fillRect(x - 0.5, FLAGS + AXIS - 5, 1, bottom - FLAGS - AXIS + 5);
            context.font = FONT_SMALL;
            const half = context.measureText(label).width / 2;
            if (x + half <= width)
                text(label, Math.max(x, LEFT + half), FLAGS + AXIS - 12, colours.soft, 'center', FONT_SMALL);
        }
        text(data.timed ? 'time' : 'exit', LEFT - 10, FLAGS + AXIS - 12, colours.soft, 'right',
            FONT_SMALL);
    }

    /* The visible flags, in (shown), each with a row for its label, or none if there is no room. */
    function placeFlags() {
        const free = new Array(FLAG_ROWS).fill(-Infinity);

        shown = [];
        context.font = FONT_SMALL;
        for (const flag of sorted) {
            if (flag.time < view.from || flag.time > view.to)
                continue;
            const x = Math.round(toX(flag.time));
            const label = flag.label.length > 24 ? `${flag.label.slice(0, 23)}…` : flag.label;
            const size = context.measureText(label).width + 10;
            const left = x + size > width ? x - size + 1 : x;
            const row = free.findIndex((right) => left > right + 4);

            if (row >= 0)
                free[row] = left + size;
            shown.push({ x, left, size, row, label, flag });
        }
    }

    function drawFlags() {
        const bottom = trackTop(tracks.length) - GAP;
        let last = -Infinity;

        if (!flags.length)
            return;
        placeFlags();
        text('milestones', LEFT - 10, (FLAG_ROW - 3) / 2, colours.soft, 'right', FONT_SMALL);
        context.globalAlpha = 0.7;
        for (const { x, row, flag } of shown) {
            const top = row < 0 ? FLAGS - 6 : row * FLAG_ROW;

            if (row < 0 && x - last < 2)
                continue;
            last = x;
            context.fillStyle = colours.flags[flag.kind];
            context.fillRect(x, top, 1, bottom - top);
        }
        context.globalAlpha = 1;
        for (const { left, size, row, label, flag } of shown) {
            if (row < 0)
                continue;
            context.fillStyle = colours.flags[flag.kind];
            context.fillRect(left, row * FLAG_ROW, size, FLAG_ROW - 3);
            text(label, left + 5, row * FLAG_ROW + (FLAG_ROW - 3) / 2 + 0.5, colours.card, 'left',
                FONT_SMALL);
        }
    }

    /* Show which part of the whole is visible. */
    function drawThumb() {
        const top = height - THUMB;
        const from = LEFT + view.from / length * plotWidth();
        const part = Math.max((view.to - view.from) / length * plotWidth(), 6);

        context.fillStyle = colours.guest;
        context.fillRect(LEFT, top, plotWidth(), THUMB - 2);
        context.fillStyle = colours.accent;
        context.fillRect(Math.min(from, LEFT + plotWidth() - part), top, part, THUMB - 2);
    }

    function drawSelection() {
        if (!drag || drag.pan)
            return;
        context.fillStyle = colours.select;
        context.fillRect(Math.min(drag.x, drag.to), FLAGS + AXIS, Math.abs(drag.to - drag.x),
            trackTop(tracks.length) - GAP - FLAGS - AXIS);
    }

    function readColours() {
        const style = getComputedStyle(document.documentElement);
        const get = (name) => style.getPropertyValue(`--${name}`).trim();

        colours = { classes: [] };
        for (const name of ['guest', 'soft', 'ink', 'grid', 'line', 'accent', 'card', 'select'])
            colours[name] = get(name);
        for (let i = 0; i < COLOURS; i++)
            colours.classes.push(get(`c${i}`));
        colours.flags = { marker: get('accent'), post: get('c2'), typed: get('c7'), test: get('c6'),
            end: get('ink') };
    }

    function tellRange() {
        const range = byId('range');
        const step = (view.to - view.from) / 1000;
        const last = Math.min(Math.floor(view.to), data.exits);

        range.textContent = data.timed
            ? `${formatPoint(view.from, step)} to ${formatPoint(view.to, step)}: ${formatTime(view.to - view.from)}`
            : `exits ${formatCount(Math.min(Math.floor(view.from) + 1, last))} to ${formatCount(last)}`;
        range.dataset.from = view.from;
        range.dataset.to = view.to;
        byId('zoom-in').disabled = view.to - view.from <= shortest;
        byId('zoom-out').disabled = byId('zoom-all').disabled = view.to - view.from >= length;
        byId('earlier').disabled = view.from <= 0;
        byId('later').disabled = view.to >= length;
    }

    function draw() {
        const ratio = window.devicePixelRatio || 1;

        drawing = false;
        width = canvas.clientWidth;
        height = trackTop(tracks.length) + THUMB;
        canvas.style.height = `${height}px`;
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
        context.setTransform(ratio, 0, 0, ratio, 0, 0);
        drawAxis();
        tracks.forEach(drawTrack);
        drawFlags();
        drawSelection();
        drawThumb();
        tellRange();
    }

    function redraw() {
        if (!drawing)
            requestAnimationFrame(draw);
        drawing = true;
    }

    function setView(from, to) {
        const span = Math.min(Math.max(to - from, Math.min(shortest, length)), length);
        const middle = (from + to) / 2;

        view.from = Math.min(Math.max(middle - span / 2, 0), length - span);
        view.to = view.from + span;
        tip.hidden = true;
        redraw();
    }

    /* Zoom; the time at (x) keeps its place. */
    function zoom(factor, x) {
        const fixed = x === undefined ? (view.from + view.to) / 2 : toTime(Math.max(x, LEFT));
        const span = Math.min(Math.max((view.to - view.from) * factor, Math.min(shortest, length)), length);
        const part = (fixed - view.from) / (view.to - view.from);

        setView(fixed - part * span, fixed + (1 - part) * span);
    }

    function move(part) {
        const by = Math.min(Math.max(part * (view.to - view.from), -view.from), length - view.to);

        setView(view.from + by, view.to + by);
    }

    /* The slice at (x), or the nearest within a few pixels. */
    function sliceAt(track, x) {
        const level = track.levels[0];
        const time = toTime(x);
        let low = 0, high = level.start.length;

        while (low < high) {
            const middle = (low + high) >> 1;

            if (level.start[middle] <= time)
                low = middle + 1;
            else
                high = middle;
        }
        const near = [low - 1, low].filter((i) => i >= 0 && i < level.start.length)
            .map((i) => [i, Math.max(level.start[i] - time, time - level.end[i], 0)])
            .sort((a, b) => a[1] - b[1])[0];

        return near && toX(view.from + near[1]) - LEFT <= 4 ? near[0] : -1;
    }

    function describeSlice(track, i) {
        const level = track.levels[0];
        const step = Math.max((view.to - view.from) / 1000, 1);
        const at = data.timed ? `at ${formatPoint(level.start[i], step)}` : `exit ${formatCount(level.start[i] + 1)}`;

        if (level.count[i] === 1)
            return `${nameOf(level.mix[i][0][0])}\n${at}` +
                (data.timed ? `, ${formatTime(level.busy[i])} in the handler` : '');
        return `${formatCount(level.count[i])} exits within ${formatTime(level.end[i] - level.start[i])}\n` +
            `${at}, ${formatTime(level.busy[i])} in the handler, of that:\n` +
            level.mix[i].map(([number, share]) => `${nameOf(number)} ${formatShare(share)}`).join('\n');
    }

    function describe(x, y) {
        const near = shown.filter((item) => Math.abs(item.x - x) <= 4);

        if (y < FLAGS && near.length) {
            const rest = near.length > 8 ? `\nand ${near.length - 8} more` : '';

            return near.slice(0, 8).map(({ flag }) => (data.timed ?
                `${flag.label}, at ${formatPoint(flag.time, Math.max((view.to - view.from) / 1000, 1))}` :
                flag.label)).join('\n') + rest;
        }
        const index = tracks.findIndex((track, i) => y >= trackTop(i) && y < trackTop(i) + LANE + LOAD);
        const slice = index < 0 || x < LEFT ? -1 : sliceAt(tracks[index], x);

        return slice < 0 ? '' : describeSlice(tracks[index], slice);
    }

    function showTip(x, y) {
        const words = drag ? '' : describe(x, y);

        tip.hidden = !words;
        if (!words)
            return;
        tip.textContent = words;
        tip.style.left = `${Math.max(0, Math.min(x + 14, width - tip.offsetWidth - 4))}px`;
        tip.style.top = `${y + 16}px`;
    }

    let drag = null; /* its start; (pan): of the thumb */

    const place = (event) => {
        const box = canvas.getBoundingClientRect();

        return [event.clientX - box.left, event.clientY - box.top];
    };

    canvas.addEventListener('wheel', (event) => {
        const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;

        event.preventDefault();
        if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
            move(Math.sign(sideways) * 0.1);
        else if (event.deltaY)
            zoom(event.deltaY < 0 ? 1 / 1.3 : 1.3, place(event)[0]);
    }, { passive: false });

    canvas.addEventListener('pointerdown', (event) => {
        const [x, y] = place(event);

        if (event.button !== 0 || x < LEFT)
            return;
        drag = { x, to: x, pan: y > height - THUMB - 4 };
        canvas.setPointerCapture(event.pointerId);
        tip.hidden = true;
    });
    canvas.addEventListener('pointermove', (event) => {
        const [x, y] = place(event);

        if (!drag)
            showTip(x, y);
        else if (drag.pan) {
            move((x - drag.to) / plotWidth() * length / (view.to - view.from));
            drag.to = x;
        } else {
            drag.to = Math.max(LEFT, Math.min(x, width - RIGHT));
            redraw();
        }
    });
    canvas.addEventListener('pointerup', () => {
        const done = drag;

        drag = null;
        if (done && !done.pan && Math.abs(done.to - done.x) > 4)
            setView(toTime(Math.min(done.x, done.to)), toTime(Math.max(done.x, done.to)));
        else
            redraw();
    });
    canvas.addEventListener('pointercancel', () => { drag = null; redraw(); });
    canvas.addEventListener('pointerleave', () => { tip.hidden = true; });
    canvas.addEventListener('dblclick', () => setView(0, length));

    const keys = {
        '+': () => zoom(1 / 2), '=': () => zoom(1 / 2), '-': () => zoom(2), '0': () => setView(0, length),
        ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2),
        Home: () => move(-Infinity), End: () => move(Infinity),
    };
    canvas.addEventListener('keydown', (event) => {
        if (event.key === 'Escape' && drag) {
            drag = null;
            redraw();
        } else if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
            event.preventDefault();
            keys[event.key]();
        }
    });
    byId('zoom-in').addEventListener('click', () => zoom(1 / 2));
    byId('zoom-out').addEventListener('click', () => zoom(2));
    byId('zoom-all').addEventListener('click', () => setView(0, length));
    byId('earlier').addEventListener('click', () => move(-0.5));
    byId('later').addEventListener('click', () => move(0.5));

    readColours();
    draw();
    new ResizeObserver(() => { if (canvas.clientWidth !== width) redraw(); }).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { readColours(); redraw(); });

    return {
        hasLoad: LOAD > 0,
        /* Move (time) to the middle, and zoom in until its neighbours are distinct. */
        show(time) {
            const half = Math.min((view.to - view.from) / 2, length / 20);

            setView(time - half, time + half);
            canvas.scrollIntoView({ block: 'center' });
            canvas.focus({ preventScroll: true });
        },
    };
})();
