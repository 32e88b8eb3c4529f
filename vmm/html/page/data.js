'use strict';
/* The recording, and how its numbers are shown. All text of it is untrusted: only ever textContent. */
const data = JSON.parse(document.getElementById('data').textContent);

const COLOURS = 10;
const OTHER_COLOUR = 8; /* of all classes without their own colour */
const FATAL_COLOUR = 9;
const FATAL = ['shutdown', 'internal-error', 'fail-entry', 'unknown-hardware'];

const byId = (id) => document.getElementById(id);

/* The strings of the data have one character for each byte. */
const decoder = new TextDecoder();
const decode = (string) => decoder.decode(Uint8Array.from(string, (c) => c.charCodeAt(0)));

function make(name, text, className) {
    const node = document.createElement(name);

    if (text !== undefined)
        node.textContent = text;
    if (className)
        node.className = className;
    return node;
}

function makeChip(colour) {
    const chip = make('span', '', 'chip');

    chip.style.background = `var(--c${colour})`;
    return chip;
}

const formatCount = (number) => number.toLocaleString('en');

const formatExits = (number) => `${formatCount(number)} ${number === 1 ? 'exit' : 'exits'}`;

function formatShare(share) {
    if (share > 0 && share < 0.0001)
        return '< 0.01 %';
    if (share > 0.9995)
        return '100 %';
    return `${(100 * share).toFixed(share < 0.1 ? 2 : 1)} %`;
}

const UNITS = [['s', 1e9], ['ms', 1e6], ['µs', 1e3], ['ns', 1]];
const unitOf = (ns) => UNITS.find((unit) => Math.abs(ns) >= unit[1]) || UNITS[3];

/* Three digits and a unit, unless the whole number of nanoseconds is shorter. */
function formatTime(ns) {
    const [name, size] = unitOf(ns);
    const value = ns / size;
    const digits = size === 1 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));

    return `${value.toFixed(digits)} ${name}`;
}

/* A point in time: to the nanosecond if (step) is that small. */
function formatPoint(ns, step) {
    if (!data.timed)
        return formatCount(Math.round(ns));
    if (ns === 0)
        return '0 s';
    const [name, size] = unitOf(Math.max(ns, step));
    const digits = Math.max(0, Math.ceil(Math.log10(size) - Math.log10(step) - 1e-9));

    return `${(ns / size).toFixed(Math.min(digits, 9))} ${name}`;
}

const className = (item) => (item.address ? `${item.word} ${item.address}` : item.word);

const classes = data.classes.map((item, number) => ({ ...item, number, name: className(item) }));
classes.slice().sort((a, b) => b.count - a.count).forEach((item, rank) => {
    item.rank = rank;
    item.colour = Math.min(rank, OTHER_COLOUR);
    if (FATAL.includes(item.word))
        item.colour = FATAL_COLOUR;
});
const ranked = classes.slice().sort((a, b) => a.rank - b.rank);
const colourOf = (number) => (classes[number] ? classes[number].colour : OTHER_COLOUR);
const nameOf = (number) => (classes[number] ? classes[number].name : 'others');

const flags = data.flags.map((item) => {
    const text = decode(item.text) + (item.cut ? '…' : '');
    const labels = { marker: `marker ${text}`, post: `POST ${text}`, typed: `typed ${text}`,
        test: `test: ${text}`, end: `end: ${text}` };

    return { ...item, text, label: labels[item.kind] };
});
