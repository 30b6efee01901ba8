// SPDX-License-Identifier: Apache-2.0
// What pages do in the browser beyond htmx: times in the reader's zone, charts, lists in an order, questions before what cannot be undone.
// Every page works without it.
"use strict";

// The page's language, in the reader's own kind of it: en-GB for an English page, where the browser says so.
const page = document.documentElement.lang || "en";
const language = navigator.languages.find((one) => one === page || one.startsWith(page + "-")) || page;

function times(root) {
  const format = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  for (const element of root.querySelectorAll("time[datetime]")) {
    if (element.dataset.local) continue;
    const moment = new Date(element.getAttribute("datetime"));
    if (Number.isNaN(moment.getTime())) continue;
    element.textContent = format.format(moment);
    element.title = element.getAttribute("datetime");
    element.dataset.local = "1";
  }
  for (const field of root.querySelectorAll("input[data-zone]")) zone(field);
}

// A search's times are in the zone that its form names, minutes east of UTC; a link to it may name another one than the reader's.
function zone(field) {
  const own = -new Date().getTimezoneOffset();
  const further = own - Number(field.value || own);
  for (const input of further ? field.form.querySelectorAll("input[type=datetime-local]") : []) {
    if (input.value) input.value = new Date(Date.parse(input.value + "Z") + further * 60000).toISOString().slice(0, 16);
  }
  field.value = String(own);
}

// New values of a part that is asked for anew are drawn into the chart that is there.
// A click on a chart leads to the mails of that moment.
// <figure class="gp-chart" data-chart='{"at":[...],"mails":["from=...",...],"series":[{"label":"...","colour":"#...","values":[...]}]}'>
function charts(root) {
  if (typeof uPlot === "undefined") return;
  for (const figure of root.querySelectorAll("[data-chart]")) {
    if (figure.drawn === figure.dataset.chart) continue;
    figure.drawn = figure.dataset.chart;
    const said = JSON.parse(figure.drawn);
    const values = [said.at, ...said.series.map((one) => one.values)];
    figure.mails = said.mails;
    if (figure.plot) { figure.plot.setData(values); continue; }
    const width = figure.clientWidth || 600;
    const series = said.series.map((one) => ({
      label: one.label, stroke: one.colour, fill: one.colour + "33", width: 2, points: { show: said.at.length < 3 },
    }));
    const days = said.at.length > 1 && said.at[said.at.length - 1] - said.at[0] > 172800;
    const short = new Intl.DateTimeFormat(language, days ? { day: "numeric", month: "numeric" } : { hour: "2-digit", minute: "2-digit" });
    const whole = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
    const options = {
      width, height: 220, padding: [8, 24, 0, 0],
      series: [{ label: figure.dataset.time || "", value: (_, at) => (at ? whole.format(new Date(at * 1000)) : "") }, ...series],
      scales: { y: { range: (_, low, high) => [0, Math.max(high, 5)] } },
      hooks: { setCursor: [newest] },
      axes: [{ values: (_, ticks) => ticks.map((at) => short.format(new Date(at * 1000))) }, { size: 60 }],
    };
    figure.plot = new uPlot(options, values, figure);
    newest(figure.plot);
    figure.plot.over.addEventListener("click", () => {
      const at = figure.plot.cursor.idx;
      if (at !== null && figure.mails) window.location.assign("/monitoring/message-tracking?" + figure.mails[at]);
    });
    new ResizeObserver(() => figure.plot.setSize({ width: figure.clientWidth, height: 220 })).observe(figure);
  }
}

// Where nobody points at a moment the legend tells the newest one.
function newest(plot) {
  if (plot.cursor.idx === null || plot.cursor.idx === undefined) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

// <form data-order> <ol class="gp-order"> <li draggable="true"> ... <input name="order" value="..."> </li> </ol> </form>
function orders(root) {
  for (const list of root.querySelectorAll("ol.gp-order:not([data-lively])")) {
    list.dataset.lively = "1";
    let dragged = null;
    list.addEventListener("dragstart", (event) => {
      dragged = event.target.closest("li");
      dragged.classList.add("gp-dragged");
      event.dataTransfer.effectAllowed = "move";
    });
    list.addEventListener("dragover", (event) => {
      const over = event.target.closest("li");
      if (!dragged || !over || over === dragged) return;
      event.preventDefault();
      for (const item of list.children) item.classList.toggle("gp-over", item === over);
    });
    list.addEventListener("drop", (event) => {
      const over = event.target.closest("li");
      if (!dragged || !over || over === dragged) return;
      event.preventDefault();
      const down = [...list.children].indexOf(dragged) < [...list.children].indexOf(over);
      list.insertBefore(dragged, down ? over.nextSibling : over);
      list.closest("form").requestSubmit();
    });
    list.addEventListener("dragend", () => {
      for (const item of list.children) item.classList.remove("gp-over", "gp-dragged");
      dragged = null;
    });
  }
}

// <select name="direction"> decides which <div data-directions="inbound any"> are offered.
function directions(root) {
  const choice = root.querySelector("select[name=direction]");
  const offered = root.querySelectorAll("[data-directions]");
  if (!choice || !offered.length) return;
  const follow = () => {
    for (const one of offered) {
      one.hidden = !one.dataset.directions.split(" ").includes(choice.value);
      for (const input of one.querySelectorAll("input")) input.disabled = one.hidden;
    }
  };
  choice.addEventListener("change", follow);
  follow();
}

function menu() {
  const wide = window.matchMedia("(min-width: 60.01rem)");
  const element = document.querySelector("[data-menu]");
  if (!element) return;
  const follow = () => { element.open = wide.matches; };
  wide.addEventListener("change", follow);
  follow();
}

function enliven(root) { times(root); charts(root); orders(root); directions(root); }

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.ask;
  if (question && !window.confirm(question)) event.preventDefault();
});
// <a href="/list" data-back> leads back to the list as it was, with its search, for who came from there.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-back]");
  if (link && document.referrer.startsWith(link.href)) { event.preventDefault(); window.history.back(); }
});
document.addEventListener("dblclick", (event) => {
  const row = event.target.closest("[data-rows-open] > tr");
  const link = row && !event.target.closest("a, button") && row.querySelector("a[href]");
  if (link) link.click();
});
document.addEventListener("htmx:after:swap", () => enliven(document));
document.addEventListener("DOMContentLoaded", () => { menu(); enliven(document); });
