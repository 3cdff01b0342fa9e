"use strict";
// Reads out the values under the pointer. Everything is there without it; this only saves looking along the axes.
(() => {
  const places = { share: 3, times: 3, seconds: 3, number: 4 };
  const said = (value, axis) => {
    const short = (number) => String(Number(number.toPrecision(places[axis])));
    if (axis === "share") return short(value * 100) + " %";
    if (axis === "times") return short(1 + value) + "×";
    if (axis === "seconds") return value < 1 ? short(value * 1000) + " ms" : short(value) + " s";
    return short(value);
  };
  const unpacked = (text) => {
    const all = [];
    for (const word of (text || "").split(" ")) {
      const [written, times] = word.split("*");
      const one = written === "-" || !written ? null : written.split(",").map(Number);
      for (let left = Number(times || 1); left > 0; left -= 1) all.push(one);
    }
    return all;
  };
  const clock = (seconds) => new Date(seconds * 1000).toUTCString().replace(/^(...), 0?(\d+) (...) \d+ (..:..)(:..).*$/, (_, day, date, month, time, second) => `${day} ${date} ${month} ${time}${second === ":00" ? "" : second}`);
  for (const drawn of document.querySelectorAll(".drawn")) {
    const over = drawn.querySelector(".over");
    const { begin, step, axis, top, height } = drawn.dataset;
    let values, base, cross, read;
    const start = () => {
      values = unpacked(drawn.dataset.values);
      base = drawn.dataset.base ? unpacked(drawn.dataset.base) : [];
      cross = over.appendChild(document.createElement("div"));
      cross.className = "cross";
      cross.style.cssText = `top:${top}px;height:${height}px`;
      read = over.appendChild(document.createElement("div"));
      read.className = "read";
      read.style.top = `${Number(top) + Number(height) + 8}px`;
    };
    over.addEventListener("pointermove", (event) => {
      if (!values) start();
      const box = over.getBoundingClientRect();
      const share = Math.min(0.9999, Math.max(0, (event.clientX - box.left) / box.width));
      const index = Math.floor(share * values.length);
      const [one, under] = [values[index], base[index]];
      const found = one ? one.map((value) => said(value, axis)).join(" to ") : "no value";
      const beside = under ? ` · baseline ${said(under[0], axis)}` : "";
      read.textContent = `${clock(Number(begin) + index * Number(step))} · ${found}${beside}`;
      cross.hidden = read.hidden = false;
      cross.style.left = `${share * 100}%`;
      const half = read.offsetWidth / 2;
      read.style.left = `${Math.min(box.width - half, Math.max(half, share * box.width))}px`;
    });
    over.addEventListener("pointerleave", () => { if (values) cross.hidden = read.hidden = true; });
  }
})();
