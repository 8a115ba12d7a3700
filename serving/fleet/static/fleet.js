// Draws the charts of the fleet page, and shows the page anew when a night or a stream has brought something.
import { expressionInterpreter } from "../vendor/vega-interpreter.js";

const NARROW = 560; // pixels: below, names beside a chart take no more than half of it
const WHILE_RUNNING = 10_000, OTHERWISE = 60_000; // milliseconds
const INK = "#1c2430", SOFT = "#5d6b7c", LINE = "#e3e8ee";
const FONT = "system-ui, 'Segoe UI', Roboto, sans-serif";

// As many as find room beside each other.
function columns(spec, width) {
  const names = spec.encoding?.color?.scale?.domain ?? [""];
  const longest = Math.max(...names.map((name) => name.length));
  return Math.max(1, Math.floor((0.75 * width) / (7 * longest + 32)));
}

function config(spec, width) {
  return {
    background: "transparent",
    padding: { left: 5, right: width < NARROW ? 16 : 5, top: 5, bottom: 5 }, // of narrow bars the last date is wider
    font: FONT,
    view: { stroke: null },
    axis: {
      labelColor: SOFT, titleColor: SOFT, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal",
      gridColor: LINE, domainColor: "#c4ccd6", tickColor: "#c4ccd6", labelLimit: width < NARROW ? 0.47 * width : 330,
    },
    legend: {
      labelColor: INK, titleColor: SOFT, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal",
      symbolType: "square", symbolOpacity: 1, columns: columns(spec, width), offset: 6, labelLimit: 200,
    },
    bar: { discreteBandSize: { band: 0.8 } },
  };
}

const tip = document.getElementById("tip");

function showTip(_, event, item, value) {
  tip.hidden = value == null || value === "";
  if (tip.hidden) return;
  tip.textContent = typeof value === "object"
    ? Object.entries(value).map(([name, of]) => `${name}: ${of}`).join("\n") : String(value);
  const right = event.clientX + 14 + tip.offsetWidth < window.innerWidth;
  tip.style.left = `${right ? event.clientX + 14 : Math.max(4, event.clientX - 14 - tip.offsetWidth)}px`;
  tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, window.innerHeight - tip.offsetHeight - 4))}px`;
}

async function draw(place) {
  const spec = JSON.parse(place.querySelector("script").textContent);
  const compiled = vegaLite.compile(spec, { config: config(spec, place.clientWidth) }).spec;
  // Vega logs what it stumbles over, and leaves half a chart.
  const failures = [], logger = vega.logger(vega.Warn);
  logger.error = (failure) => { failures.push(failure); return logger; };
  // As a syntax tree, and interpreted: the page's policy lets nobody make code from text.
  const view = new vega.View(vega.parse(compiled, null, { ast: true }), {
    expr: expressionInterpreter, renderer: "svg", container: place, hover: true, tooltip: showTip,
    loader: vega.loader({ target: "_self" }), logger,
  });
  await view.runAsync();
  if (failures.length) throw failures[0];
  place.dataset.drawn = "true";
}

async function drawAll() {
  for (const place of document.querySelectorAll(".chart")) {
    try {
      await draw(place);
    } catch (error) {
      console.error(error);
      place.append("This chart could not be drawn: ", String(error));
    }
  }
  document.body.dataset.drawn = "true";
}

// In another page, such as a night's report, the charts are all in sight, without a scroll bar of their own.
function fit() {
  const frame = window.frameElement;
  if (frame?.dataset.whole) frame.style.height = `${document.body.offsetHeight}px`;
}

const shown = JSON.parse(document.getElementById("state").textContent);

async function look() {
  let running = shown.running;
  try {
    const answer = document.hidden ? null : await fetch("state", { redirect: "error" });
    if (answer?.ok) {
      const now = await answer.json();
      running = now.running;
      const isNew = JSON.stringify(now) !== JSON.stringify(shown);
      if (isNew && !document.activeElement?.closest("form")) return location.reload();
    }
  } catch {
    // Airflow restarts: it is asked again.
  }
  setTimeout(look, running.length ? WHILE_RUNNING : OTHERWISE);
}

addEventListener("resize", fit);
fit();
await drawAll();
fit();
setTimeout(look, shown.running.length ? WHILE_RUNNING : OTHERWISE);
