// A plot of the last steps of an output, a line a value, drawn when there is something new.

const KEPT = 400; // steps
const LINES = 16;
const COLORS = ['#00798c', '#d1495b', '#edae49', '#30638e', '#6a4c93', '#4f772d', '#bc6c25', '#003d5b'];
const INK = '#5f6b78';
const GRID = '#e6eaee';

/** The next larger of 1, 2, 5, 10, … times a power of ten. */
function roundStep(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= size * (1 - 1e-9));
}

export class Plot {
  constructor(canvas, legend) {
    this.canvas = canvas;
    this.legend = legend;
    this.start([], '');
  }

  /** Forget everything; one line for each name, at most 16. */
  start(names, unit) {
    this.names = names.slice(0, LINES);
    this.unit = unit;
    this.rows = [];
    this.changed = true;
    this.values = [];
    this.legend.replaceChildren(...this.names.map((name, index) => {
      const item = document.createElement('li');
      const mark = document.createElement('i');
      const color = this.color(index);
      mark.style.background = index < COLORS.length
        ? color : `repeating-linear-gradient(90deg, ${color} 0 4px, transparent 4px 7px)`;
      const value = document.createElement('span');
      this.values.push(value);
      item.append(mark, `${name} `, value);
      return item;
    }));
  }

  add(row) {
    this.rows.push(row.slice(0, LINES));
    if (this.rows.length > KEPT) this.rows.shift();
    this.changed = true;
  }

  color(index) {
    return COLORS[index % COLORS.length];
  }

  draw() {
    if (!this.changed) return;
    this.changed = false;
    const { width, height } = this.canvas;
    const context = this.canvas.getContext('2d');
    context.clearRect(0, 0, width, height);
    const finite = this.rows.flat().filter(Number.isFinite);
    if (!finite.length) return;
    let [low, high] = finite.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)],
      [Infinity, -Infinity]);
    if (high - low < 1e-9) [low, high] = [low - 1, high + 1];
    const step = roundStep((high - low) / 4);
    [low, high] = [Math.floor(low / step) * step, Math.ceil(high / step) * step];
    const [left, right, top, bottom] = [110, width - 20, 24, height - 30];
    const x = (index) => left + ((right - left) * index) / (KEPT - 1);
    const y = (value) => bottom - ((bottom - top) * (value - low)) / (high - low);
    context.font = '22px system-ui, sans-serif';
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    context.lineWidth = 1;
    for (let mark = 0; mark <= Math.round((high - low) / step); mark += 1) {
      const value = low + step * mark;
      context.strokeStyle = GRID;
      context.beginPath();
      context.moveTo(left, y(value));
      context.lineTo(right, y(value));
      context.stroke();
      context.fillStyle = INK;
      context.fillText(`${Number(value.toPrecision(4))}`, left - 12, y(value));
    }
    context.lineWidth = 3;
    context.lineJoin = 'round';
    this.names.forEach((_, line) => {
      context.strokeStyle = this.color(line);
      context.setLineDash(line < COLORS.length ? [] : [8, 6]);
      context.beginPath();
      this.rows.forEach((row, at) => (at ? context.lineTo : context.moveTo).call(context, x(at), y(row[line])));
      context.stroke();
      this.values[line].textContent = `${Number(this.rows.at(-1)[line].toPrecision(3))} ${this.unit}`;
    });
    context.setLineDash([]);
  }
}
