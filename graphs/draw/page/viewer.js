// The viewer of a picture: move, zoom, search, fold, cards. Words of a user's program reach the page as text nodes and attributes
// only. One Viewer for each section.dp; its data lies in the element that is called like it, with "-data" behind.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const NEAREST = 8, FARTHEST = 0.02, LEGIBLE = 0.75, OVERVIEW = 0.45, MARGIN = 20, MOVED = 4;
  const viewers = Object.create(null);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  const draw = (tag, attributes, words) => {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (words !== undefined) made.textContent = words;
    return made;
  };
  const write = (tag, name, words) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (words !== undefined) made.textContent = words;
    return made;
  };
  const centre = ([x, y, w, h]) => [x + w / 2, y + h / 2];
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const add = (lists, key, value) => (lists.get(key) ?? lists.set(key, []).get(key)).push(value);

  // Where the line from the middle of a frame towards a point leaves it.
  const leave = (frame, [px, py]) => {
    const [cx, cy] = centre(frame), dx = px - cx, dy = py - cy;
    const part = Math.min(dx ? frame[2] / 2 / Math.abs(dx) : Infinity, dy ? frame[3] / 2 / Math.abs(dy) : Infinity);
    return part === Infinity ? [cx, cy] : [cx + dx * part, cy + dy * part];
  };

  class Viewer {
    constructor(root, data) {
      Object.assign(this, { root, data, id: root.id, scale: 1, x: 0, y: 0, width: 0, height: 0 });
      this.part = (name) => root.querySelector(`.dp-${name}`);
      this.stage = this.part("stage");
      this.svg = this.part("svg");
      this.card = this.part("card");
      this.input = root.querySelector("input");
      this.folded = new Set();
      this.hidden = new Set();
      this.hits = [];
      this.hit = -1;
      this.current = null; // the box that Tab comes to
      this.told = null; // the box whose card is open
      this.pinned = false;
      this.fingers = new Map();
      this.boxes = new Map(Object.entries(data.boxes));
      this.clusters = new Map(Object.entries(data.clusters));
      this.folds = new Map();
      this.level = 0;
      const drawn = [...root.querySelectorAll(".dp-level")];
      this.levels = data.levels.map((level, at) => {
        return { ...level, group: drawn[at], detours: drawn[at].querySelector(".dp-detours"), folds: drawn[at].querySelector(".dp-folds") };
      });
      this.opens = new Map(this.levels.map(({ owner }, at) => [owner, at]).slice(1));
      this.groups = new Map();
      for (const group of root.querySelectorAll("[data-name]")) this.groups.set(group.dataset.name, group);
      const lines = root.querySelectorAll(".dp-arrows > .dp-arrow");
      this.arrows = data.arrows.map(([level, tail, head, kind, label], at) => ({ level, tail, head, kind, label, group: lines[at] }));
      for (const name of this.opens.keys()) this.groups.get(name).classList.add("dp-opens");
      this.links = new Map();
      for (const [name, box] of this.boxes) {
        box.look = box.words.toLowerCase();
        if (box.link) add(this.links, box.link, name);
      }
      this.members = new Map([...this.clusters.keys()].map((name) => [name, []]));
      for (const [name, box] of this.boxes) for (const around of this.around(box.in)) this.members.get(around).push(name);
      this.connect();
      this.listen();
      this.listScopes();
      this.trail();
      this.focusable(this.boxes.keys().next().value);
      this.resized();
      new ResizeObserver(() => this.resized()).observe(this.stage);
    }

    // Structure

    *around(name) {
      for (let at = name; at; at = this.clusters.get(at).in) yield at;
    }

    // What stands for a box or scope: the outermost folded scope around it, or itself.
    shown(name) {
      let found = name;
      for (const around of this.around((this.boxes.get(name) ?? this.clusters.get(name)).in)) if (this.folded.has(around)) found = around;
      return found;
    }

    frame(name) {
      return this.folds.get(name)?.frame ?? (this.boxes.get(name) ?? this.clusters.get(name)).frame;
    }

    title(name) {
      return (this.boxes.get(name) ?? this.clusters.get(name)).title;
    }

    element(name) {
      return this.folds.get(name)?.group ?? this.groups.get(name);
    }

    levelOf(name) {
      return (this.boxes.get(name) ?? this.clusters.get(name)).level;
    }

    // What stands for a box on the level that is shown: itself, or what it lies in; null for what lies outside.
    here(name) {
      let at = name;
      while (at && this.levelOf(at) !== this.level) at = this.levels[this.levelOf(at)].owner;
      return at ? this.shown(at) : null;
    }

    // All that can be gone to now: boxes that are not hidden, and folded scopes.
    *present() {
      for (const [name, { level }] of this.boxes) if (level === this.level && !this.hidden.has(name)) yield name;
      for (const name of this.folds.keys()) if (this.levelOf(name) === this.level && this.shown(name) === name) yield name;
    }

    // All boxes that a box stands for, at any depth, and itself.
    under(name) {
      const found = [name];
      for (const each of found) {
        if (!this.opens.has(each)) continue;
        const level = this.opens.get(each);
        for (const [other, box] of this.boxes) if (box.level === level) found.push(other);
      }
      return found;
    }

    // Levels

    // Show what a folded box stands for, or what lies around it.
    enter(level, name) {
      if (level === this.level) return;
      this.close();
      this.levels[this.level].seen = this.home ? null : [this.scale, this.x, this.y];
      this.levels[this.level].group.classList.add("dp-hid");
      this.level = level;
      const { bounds, group, seen } = this.levels[level];
      group.classList.remove("dp-hid");
      this.svg.setAttribute("viewBox", bounds.join(" "));
      if (seen) this.go(...seen);
      else this.start();
      this.trail();
      this.mark();
      this.light();
      const to = name && this.boxes.get(name)?.level === level ? this.shown(name) : this.present().next().value;
      this.focusable(to);
    }

    leaveLevel() {
      const { above, owner } = this.levels[this.level];
      if (above < 0) return;
      this.enter(above, owner);
      this.focus(this.shown(owner));
    }

    trail() {
      const path = [], nav = this.part("trail");
      for (let at = this.level; at >= 0; at = this.levels[at].above) path.unshift(at);
      nav.hidden = path.length < 2;
      nav.replaceChildren();
      for (const at of path) {
        const button = write("button", "", at ? this.levels[at].title : "all");
        button.type = "button";
        button.dataset.level = at;
        if (at === this.level) button.setAttribute("aria-current", "true");
        if (at) nav.append(write("span", "", "›"));
        nav.append(button);
      }
      for (const item of this.root.querySelectorAll(".dp-scopes li")) item.hidden = this.clusters.get(item.firstChild.dataset.scope).level !== this.level;
    }

    // Who is joined with whom, as things are folded.
    connect() {
      this.lines = new Map();
      for (const arrow of this.arrows) {
        const [tail, head] = [this.shown(arrow.tail), this.shown(arrow.head)];
        const line = arrow.detour ?? arrow.group;
        if (tail === head) continue;
        add(this.lines, tail, { other: head, line });
        add(this.lines, head, { other: tail, line });
      }
    }

    // Fold and unfold

    fold(name, folded = !this.folded.has(name)) {
      if (folded) this.folded.add(name);
      else this.folded.delete(name);
      this.folding();
    }

    foldAll(folded) {
      for (const [name, { level }] of this.clusters) {
        if (level !== this.level) continue;
        if (folded) this.folded.add(name);
        else this.folded.delete(name);
      }
      this.folding();
    }

    folding() {
      for (const name of this.folded) if (!this.folds.has(name)) this.folds.set(name, this.makeFold(name));
      for (const [name, fold] of this.folds) {
        if (!this.folded.has(name)) {
          fold.group.remove();
          this.folds.delete(name);
        }
      }
      this.hidden.clear();
      for (const name of [...this.boxes.keys(), ...this.clusters.keys()]) {
        if (this.shown(name) !== name) this.hidden.add(name);
        this.groups.get(name)?.classList.toggle("dp-hid", this.hidden.has(name) || this.folded.has(name));
      }
      for (const [name, fold] of this.folds) fold.group.classList.toggle("dp-hid", this.hidden.has(name));
      this.detour();
      this.connect();
      for (const item of this.root.querySelectorAll("[data-scope]")) {
        item.setAttribute("aria-expanded", String(!this.folded.has(item.dataset.scope)));
      }
      if (this.told && this.shown(this.told) !== this.told) this.close();
      if (this.current) this.focusable(this.shown(this.current));
      this.mark();
      this.light();
      this.later();
    }

    makeFold(name) {
      const cluster = this.clusters.get(name), count = this.members.get(name).length;
      const words = `${cluster.title.length > 30 ? `${cluster.title.slice(0, 29)}…` : cluster.title}`;
      const note = `${count} box${count === 1 ? "" : "es"}`;
      const [x, y] = centre(cluster.frame), w = Math.max(words.length * 6.4, note.length * 5) + 26, h = 38;
      const group = draw("g", {
        class: "dp-fold", tabindex: "-1", role: "button", "aria-expanded": "false", "aria-label": `${cluster.title}, folded, ${note}`,
      });
      group.dataset.name = name;
      const left = x - w / 2, top = y - h / 2;
      group.append(draw("rect", { x: left + 3, y: top + 3, width: w, height: h, rx: 5 }));
      group.append(draw("rect", { x: left, y: top, width: w, height: h, rx: 5 }));
      group.append(draw("text", { x, y: y - 2, "text-anchor": "middle", "font-size": 11, "font-weight": "bold" }, words));
      group.append(draw("text", { x, y: y + 11, "text-anchor": "middle", "font-size": 8.5, class: "dp-quiet" }, note));
      this.levels[cluster.level].folds.append(group);
      return { group, frame: [left, top, w, h] };
    }

    // Arrows from and to what is folded lead to its box; those that run side by side are one.
    detour() {
      const made = new Map();
      for (const { detours } of this.levels) detours.replaceChildren();
      for (const arrow of this.arrows) {
        const [tail, head] = [this.shown(arrow.tail), this.shown(arrow.head)];
        const moved = tail !== arrow.tail || head !== arrow.head || this.folded.has(tail) || this.folded.has(head);
        arrow.group.classList.toggle("dp-hid", moved);
        arrow.detour = null;
        if (!moved || tail === head) continue;
        const key = `${tail} ${head} ${arrow.kind} ${arrow.group.querySelector("path")?.getAttribute("stroke")}`;
        if (!made.has(key)) {
          made.set(key, this.makeDetour(tail, head, arrow));
          this.levels[arrow.level].detours.append(made.get(key));
        }
        arrow.detour = made.get(key);
      }
    }

    makeDetour(tail, head, arrow) {
      const path = arrow.group.querySelector("path"), point = arrow.group.querySelector("polygon");
      const one = this.frame(tail), other = this.frame(head);
      const [x1, y1] = leave(one, centre(other)), [x2, y2] = leave(other, centre(one));
      const far = Math.hypot(x2 - x1, y2 - y1) || 1, [dx, dy] = [(x2 - x1) / far, (y2 - y1) / far];
      const group = draw("g", { class: arrow.group.getAttribute("class") });
      group.classList.remove("dp-hid");
      const bend = Math.min(far / 6, 14);
      const middle = [(x1 + x2) / 2 - dy * bend, (y1 + y2) / 2 + dx * bend];
      const made = draw("path", { d: `M${x1} ${y1}Q${middle[0]} ${middle[1]} ${x2} ${y2}`, fill: "none" });
      for (const name of ["stroke", "stroke-dasharray", "stroke-width"]) {
        if (path?.hasAttribute(name)) made.setAttribute(name, path.getAttribute(name));
      }
      group.append(made);
      if (point) {
        const length = Math.hypot(x2 - middle[0], y2 - middle[1]) || 1;
        const [ux, uy] = [(x2 - middle[0]) / length, (y2 - middle[1]) / length];
        const tip = `${x2},${y2} ${x2 - 6 * ux - 2.4 * uy},${y2 - 6 * uy + 2.4 * ux} ${x2 - 6 * ux + 2.4 * uy},${y2 - 6 * uy - 2.4 * ux}`;
        group.append(draw("polygon", { points: tip, fill: point.getAttribute("fill"), stroke: point.getAttribute("stroke") }));
      }
      return group;
    }

    listScopes() {
      const list = this.part("scopes")?.querySelector("ul");
      if (!list) return;
      for (const [name, cluster] of this.clusters) {
        const item = write("li"), button = write("button", "", cluster.title), depth = [...this.around(cluster.in)].length;
        button.type = "button";
        button.dataset.scope = name;
        button.setAttribute("aria-expanded", "true");
        button.append(write("small", "", ` ${this.members.get(name).length}`));
        item.style.paddingInlineStart = `${Math.min(depth, 8) * 0.9}rem`;
        item.append(button);
        list.append(item);
      }
    }

    // Move and zoom: a point p of the picture stands at scale * p + (x, y), in pixels of the stage

    get bounds() {
      return this.levels[this.level].bounds;
    }

    resized() {
      const first = !this.width, { width, height } = this.stage.getBoundingClientRect();
      if (!width || !height) return;
      if (!first && this.told === null && this.home) [this.width, this.height] = [width, height];
      [this.width, this.height] = [width, height];
      this.root.classList.toggle("dp-narrow", width < 560);
      if (first || this.home) this.start();
      else this.later();
    }

    // All of it where that can be read, else its beginning.
    start() {
      const [left, top, w, h] = this.bounds, all = this.whole();
      const wide = Math.min((this.width - 2 * MARGIN) / w, 1.15);
      const least = this.width < 560 ? LEGIBLE : OVERVIEW;
      const scale = all.scale >= least ? all.scale : clamp(wide, least, 1);
      let x = (this.width - w * scale) / 2 - left * scale;
      if (w * scale > this.width - 2 * MARGIN) {
        const [cx] = centre(this.boxes.size ? this.boxes.values().next().value.frame : this.bounds);
        x = clamp(this.width / 2 - cx * scale, this.width - MARGIN - (left + w) * scale, MARGIN - left * scale);
      }
      const y = h * scale > this.height - 2 * MARGIN ? MARGIN - top * scale : (this.height - h * scale) / 2 - top * scale;
      this.go(scale, x, y);
      this.home = true;
    }

    whole() {
      const [left, top, w, h] = this.bounds;
      const scale = clamp(Math.min((this.width - 2 * MARGIN) / w, (this.height - 2 * MARGIN) / h), FARTHEST, 1.4);
      return { scale, x: (this.width - w * scale) / 2 - left * scale, y: (this.height - h * scale) / 2 - top * scale };
    }

    fit() {
      const { scale, x, y } = this.whole();
      this.glide(scale, x, y);
    }

    go(scale, x, y) {
      this.home = false;
      [this.scale, this.x, this.y] = [clamp(scale, FARTHEST, NEAREST), x, y];
      this.later();
    }

    glide(scale, x, y) {
      cancelAnimationFrame(this.gliding);
      if (calm.matches || !this.width) return this.go(scale, x, y);
      const from = [this.scale, this.x, this.y], began = performance.now();
      const step = (now) => {
        const part = clamp((now - began) / 220, 0, 1), eased = 1 - (1 - part) ** 3;
        const at = (one, other) => one + (other - one) * eased;
        this.go(at(from[0], scale), at(from[1], x), at(from[2], y));
        if (part < 1) this.gliding = requestAnimationFrame(step);
      };
      this.gliding = requestAnimationFrame(step);
    }

    zoom(factor, px = this.width / 2, py = this.height / 2) {
      const scale = clamp(this.scale * factor, FARTHEST, NEAREST), ratio = scale / this.scale;
      this.go(scale, px - (px - this.x) * ratio, py - (py - this.y) * ratio);
    }

    // One change of the page for all that happen within a frame.
    later() {
      this.planned ??= requestAnimationFrame(() => {
        this.planned = null;
        this.apply();
      });
    }

    apply() {
      // The drawing as a whole is moved: a change inside of it would have each word of it laid out again, 400 ms for 2,000 boxes.
      const [left, top, w, h] = this.bounds, look = this.svg.style;
      [look.width, look.height] = [`${w}px`, `${h}px`];
      look.transform = `translate(${this.x + left * this.scale}px, ${this.y + top * this.scale}px) scale(${this.scale})`;
      this.root.classList.toggle("dp-far", this.scale < 0.34);
      if (this.told) this.place();
    }

    // Bring a box into sight, in the middle if it was not in sight at all.
    reveal(name, middle = false) {
      const [x, y, w, h] = this.frame(name), scale = Math.max(this.scale, LEGIBLE);
      const [px, py] = [x * this.scale + this.x, y * this.scale + this.y];
      const seen = px > 0 && py > 0 && px + w * this.scale < this.width && py + h * this.scale < this.height;
      if (seen && !middle && scale === this.scale) return;
      if (seen && this.scale === scale) return;
      this.glide(scale, this.width / 2 - (x + w / 2) * scale, this.height / 2 - (y + h / 2) * scale);
    }

    // The box that Tab comes to, and its card

    focusable(name) {
      if (!name) return;
      this.element(this.current ?? name)?.setAttribute("tabindex", "-1");
      this.current = name;
      this.element(name)?.setAttribute("tabindex", "0");
    }

    focus(name) {
      this.focusable(name);
      this.element(name).focus({ preventScroll: true });
      this.reveal(name);
    }

    // Unfold what hides a box, bring it into sight and open its card.
    show(name) {
      this.enter(this.levelOf(name), name);
      for (const around of [...this.around(this.boxes.get(name).in)]) this.folded.delete(around);
      this.folding();
      this.focusable(name);
      this.reveal(name, true);
      this.open(name);
    }

    open(name, pinned = false) {
      this.pinned = pinned;
      if (this.told !== name) this.fill(name);
      this.told = name;
      this.card.hidden = false;
      this.card.classList.toggle("dp-pinned", pinned);
      this.mark();
      this.place();
      this.tell([name]);
    }

    close() {
      if (!this.told) return;
      this.told = null;
      this.pinned = false;
      this.card.hidden = true;
      this.mark();
      this.tell([]);
    }

    fill(name) {
      const box = this.boxes.get(name), rows = (box?.card ?? []).map((at) => this.data.facts[at]);
      const head = write("h2", "", this.title(name)), list = write("dl");
      if (!box) rows.push(["scope", `${this.members.get(name).length} boxes, folded`]);
      for (const [label, words] of rows) {
        const row = write("div", `dp-row dp-row-${label.toLowerCase().replace(/[^a-z]/g, "")}`);
        row.append(write("dt", "", label), write("dd", "", words));
        list.append(row);
      }
      const flow = new Map([["from", []], ["to", []]]);
      for (const arrow of this.arrows) {
        if (arrow.head === name) flow.get("from").push(arrow.tail);
        if (arrow.tail === name) flow.get("to").push(arrow.head);
      }
      for (const [label, names] of flow) {
        const there = [...new Set(names)].filter((other) => this.boxes.has(other));
        if (!there.length) continue;
        const row = write("div", "dp-row dp-row-flow"), cell = write("dd");
        for (const other of there.slice(0, 12)) {
          const button = write("button", "", this.title(other));
          button.type = "button";
          button.dataset.to = other;
          cell.append(button);
        }
        if (there.length > 12) cell.append(write("span", "", `… ${there.length - 12} more`));
        row.append(write("dt", "", label), cell);
        list.append(row);
      }
      const shut = write("button", "dp-shut", "×");
      shut.type = "button";
      shut.setAttribute("aria-label", "close the card");
      const hint = this.opens.has(name) ? "click or Enter looks inside" : "click or Enter keeps this open";
      this.card.replaceChildren(head, shut, list, write("p", "dp-hint", this.boxes.has(name) ? hint : "click or Enter unfolds"));
      this.card.scrollTop = 0;
    }

    place() {
      if (this.root.classList.contains("dp-narrow")) {
        this.card.style.left = this.card.style.top = "";
        return;
      }
      const [x, y, w, h] = this.frame(this.told);
      const left = x * this.scale + this.x, right = left + w * this.scale, gap = 14;
      const { offsetWidth: width, offsetHeight: height } = this.card;
      let at = right + gap;
      if (at + width > this.width - 6) at = left - gap - width >= 6 ? left - gap - width : this.width - 6 - width;
      const middle = (y + h / 2) * this.scale + this.y;
      this.card.style.left = `${Math.max(6, at)}px`;
      this.card.style.top = `${clamp(middle - Math.min(height / 2, 60), 6, Math.max(6, this.height - height - 6))}px`;
    }

    // Lights

    mark() {
      for (const lit of this.root.querySelectorAll(".dp-on, .dp-near, .dp-line")) lit.classList.remove("dp-on", "dp-near", "dp-line");
      if (!this.told) return;
      this.element(this.told)?.classList.add("dp-on");
      for (const { other, line } of this.lines.get(this.told) ?? []) {
        line.classList.add("dp-line");
        this.element(other)?.classList.add("dp-near");
      }
    }

    // Light up boxes by name, from outside; none for an end of it.
    highlight(names) {
      for (const lit of this.root.querySelectorAll(".dp-mark")) lit.classList.remove("dp-mark");
      for (const name of names) if (this.boxes.has(name)) this.element(this.here(name))?.classList.add("dp-mark");
    }

    tell(names) {
      const boxes = names.flatMap((name) => this.members.get(name) ?? [name]).flatMap((name) => this.under(name));
      const links = [...new Set(boxes.map((name) => this.boxes.get(name).link).filter(Boolean))];
      this.root.dispatchEvent(new CustomEvent("diptych:hover", { bubbles: true, detail: { viewer: this.id, names, links } }));
    }

    // Search

    search() {
      const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
      this.hits = words.length ? [...this.boxes].filter(([, { look }]) => words.every((each) => look.includes(each))).map(([name]) => name) : [];
      this.hit = -1;
      this.root.classList.toggle("dp-searching", words.length > 0);
      this.light();
      this.count(words.length > 0);
    }

    // Light up what was found, or what it lies in.
    light() {
      for (const lit of this.root.querySelectorAll(".dp-hit")) lit.classList.remove("dp-hit");
      for (const name of this.hits) this.element(this.here(name))?.classList.add("dp-hit");
    }

    count(asked) {
      const found = this.hits.length;
      this.part("found").textContent = !asked ? "" : !found ? "none" : this.hit < 0 ? `${found}` : `${this.hit + 1} of ${found}`;
    }

    next(step) {
      if (!this.hits.length) return;
      this.hit = this.hit < 0 ? (step > 0 ? 0 : this.hits.length - 1) : (this.hit + step + this.hits.length) % this.hits.length;
      this.show(this.hits[this.hit]);
      this.count(true);
    }

    // What happens

    listen() {
      const on = (target, type, act, options) => target.addEventListener(type, act.bind(this), options);
      on(this.input, "input", this.search);
      on(this.input, "keydown", this.searchKey);
      on(this.root, "click", this.clicked);
      on(this.root, "keydown", this.key);
      if (!("embedded" in this.root.dataset)) on(document, "keydown", (event) => event.target === document.body && this.key(event));
      on(this.stage, "wheel", this.wheel, { passive: false });
      on(this.stage, "pointerdown", this.down);
      on(this.stage, "pointermove", this.moved);
      for (const type of ["pointerup", "pointercancel"]) on(this.stage, type, this.up);
      on(this.stage, "pointerover", (event) => this.over(event));
      on(this.stage, "pointerleave", (event) => this.out(event));
      on(this.svg, "focusin", (event) => {
        const name = this.named(event);
        if (!name || !event.target.matches(":focus-visible")) return;
        this.focusable(name);
        this.open(name, this.pinned && this.told === name);
      });
      on(this.root, "focusout", (event) => {
        if (!this.pinned && !this.root.contains(event.relatedTarget)) this.close();
      });
      on(document, "pointerdown", (event) => this.root.classList.toggle("dp-used", this.root.contains(event.target)));
    }

    named(event) {
      return event.target.closest?.("[data-name]")?.dataset.name;
    }

    over(event) {
      const [x, y] = this.pointer ?? [];
      if (x === event.clientX && y === event.clientY) return; // the picture has moved, not the pointer
      if (event.pointerType === "touch" || this.pinned || this.fingers.size) return;
      const name = this.named(event);
      if (name && (this.boxes.has(name) || this.folds.has(name))) this.open(name);
      else if (this.told && this.told !== document.activeElement?.dataset?.name) this.close();
    }

    out(event) {
      if (event.pointerType !== "touch" && !this.pinned && this.told !== document.activeElement?.dataset?.name) this.close();
    }

    clicked(event) {
      const button = event.target.closest("button");
      if (button?.dataset.do) return this.act(button.dataset.do, button);
      if (button?.dataset.scope) return this.fold(button.dataset.scope);
      if (button?.dataset.level) return this.enter(Number(button.dataset.level), this.levels[this.level].owner);
      if (button?.dataset.to) {
        this.show(button.dataset.to);
        this.pinned = true;
        this.card.classList.add("dp-pinned");
        return;
      }
      if (button?.classList.contains("dp-shut")) return this.shut();
      if (!this.svg.contains(event.target) || this.dragged) return;
      const name = this.named(event), scope = this.clusters.has(name);
      if (!name || (scope && !event.target.closest(".dp-grip, .dp-fold"))) this.close();
      else if (scope) this.toggle(name);
      else if (this.opens.has(name)) {
        this.enter(this.opens.get(name));
        this.element(this.current).focus({ preventScroll: true });
      }
      else {
        this.focusable(name);
        if (this.pinned && this.told === name) this.close();
        else this.open(name, true);
      }
    }

    shut() {
      const name = this.told;
      this.close();
      if (name && !this.hidden.has(name)) this.element(name).focus({ preventScroll: true });
      this.close();
    }

    // Fold or unfold a scope, and stay where it is.
    toggle(name) {
      this.fold(name);
      const to = this.folded.has(name) ? name : this.members.get(name).find((box) => !this.hidden.has(box)) ?? name;
      this.focusable(to);
      this.element(to)?.focus({ preventScroll: true });
    }

    act(what, button) {
      if (what === "in") this.zoom(1.35);
      else if (what === "out") this.zoom(1 / 1.35);
      else if (what === "fit") this.fit();
      else if (what === "fold-all") this.foldAll(true);
      else if (what === "unfold-all") this.foldAll(false);
      else if (what === "theme") this.theme();
      else this.panel(what, button.getAttribute("aria-expanded") !== "true");
    }

    theme() {
      const home = document.documentElement, dark = home.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
      home.dataset.theme = dark === "dark" ? "light" : "dark";
    }

    panel(which, open) {
      for (const panel of this.root.querySelectorAll(".dp-panel")) {
        const mine = panel.id === `${this.id}-${which}`;
        panel.hidden = !(mine && open);
        this.root.querySelector(`[aria-controls="${panel.id}"]`)?.setAttribute("aria-expanded", String(!panel.hidden));
      }
    }

    wheel(event) {
      if (event.target.closest(".dp-panel, .dp-card.dp-pinned")) return;
      if ("embedded" in this.root.dataset && !event.ctrlKey && !this.root.classList.contains("dp-used")) return;
      event.preventDefault();
      const { left, top } = this.stage.getBoundingClientRect();
      const turned = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 200 : 1);
      this.zoom(Math.exp(-clamp(turned, -200, 200) * (event.ctrlKey ? 0.01 : 0.0018)), event.clientX - left, event.clientY - top);
    }

    down(event) {
      if (event.target.closest(".dp-card, .dp-panel, .dp-trail") || event.button > 0) return;
      cancelAnimationFrame(this.gliding);
      this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
      this.dragged = this.fingers.size > 1;
      this.began = [event.clientX, event.clientY];
    }

    moved(event) {
      this.pointer = [event.clientX, event.clientY];
      const was = this.fingers.get(event.pointerId);
      if (!was) return;
      const now = [event.clientX, event.clientY];
      if (!this.dragged && Math.hypot(now[0] - this.began[0], now[1] - this.began[1]) < MOVED) return;
      if (!this.dragged) {
        this.dragged = true;
        this.root.classList.add("dp-moving");
      }
      this.stage.setPointerCapture(event.pointerId);
      const others = [...this.fingers].filter(([id]) => id !== event.pointerId);
      this.fingers.set(event.pointerId, now);
      if (!others.length) return this.go(this.scale, this.x + now[0] - was[0], this.y + now[1] - was[1]);
      const [, still] = others[0], { left, top } = this.stage.getBoundingClientRect();
      const apart = (one) => Math.hypot(one[0] - still[0], one[1] - still[1]) || 1;
      const [mx, my] = [(now[0] + still[0]) / 2 - left, (now[1] + still[1]) / 2 - top];
      this.zoom(apart(now) / apart(was), mx, my);
      this.go(this.scale, this.x + (now[0] - was[0]) / 2, this.y + (now[1] - was[1]) / 2);
    }

    up(event) {
      this.fingers.delete(event.pointerId);
      if (!this.fingers.size) this.root.classList.remove("dp-moving");
    }

    searchKey(event) {
      if (event.key === "Enter") this.next(event.shiftKey ? -1 : 1);
      else if (event.key === "Escape" && this.input.value) {
        this.input.value = "";
        this.search();
        this.close();
      } else if (event.key === "Escape") this.input.blur();
      else if (event.key === "ArrowDown" && this.current) this.focus(this.here(this.hits[Math.max(this.hit, 0)] ?? this.current) ?? this.current);
      else return;
      event.preventDefault();
      event.stopPropagation();
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target === this.input) return;
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      const name = this.named(event), typed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (way && name) this.step(name, way);
      else if ((typed === "Home" || typed === "End") && name) this.focus([...this.present()].at(typed === "Home" ? 0 : -1));
      else if ((typed === "Enter" || typed === " ") && name) this.press(name);
      else if (typed === "Backspace") this.leaveLevel();
      else if (typed === "f" && name) this.foldAround(name);
      else if (typed === "+" || typed === "=") this.zoom(1.35);
      else if (typed === "-") this.zoom(1 / 1.35);
      else if (typed === "0") this.fit();
      else if (typed === "/") this.input.focus();
      else if (typed === "l" || typed === "?") this.toggled(typed === "l" ? "legend" : "help");
      else if (typed === "Escape") this.escape();
      else return;
      event.preventDefault();
    }

    toggled(which) {
      const panel = document.getElementById(`${this.id}-${which}`);
      if (panel) this.panel(which, panel.hidden);
    }

    escape() {
      const panel = this.root.querySelector(".dp-panel:not([hidden])");
      if (panel) {
        if (panel.contains(document.activeElement)) this.root.querySelector(`[aria-controls="${panel.id}"]`)?.focus();
        this.panel("", false);
      } else if (this.told) this.shut();
      else if (this.input.value) {
        this.input.value = "";
        this.search();
      } else this.leaveLevel();
    }

    press(name) {
      if (this.clusters.has(name)) return this.toggle(name);
      if (this.opens.has(name)) {
        this.enter(this.opens.get(name));
        return this.focus(this.current);
      }
      if (this.pinned && this.told === name) this.close();
      else this.open(name, true);
    }

    foldAround(name) {
      const scope = this.folded.has(name) ? name : this.boxes.get(name)?.in ?? this.clusters.get(name)?.in;
      if (scope) this.toggle(scope);
    }

    // To the box at the other end of the arrow that goes most nearly this way. Across the flow the next box there comes first.
    step(name, [wx, wy]) {
      const [x, y] = centre(this.frame(name));
      const nearest = (names, steep, cost) => {
        let found = null, least = Infinity;
        for (const other of names) {
          const [ox, oy] = centre(this.frame(other)), ahead = (ox - x) * wx + (oy - y) * wy;
          const beside = Math.abs((ox - x) * wy) + Math.abs((oy - y) * wx);
          if (other === name || ahead <= 1 || beside > steep * ahead || cost(ahead, beside) >= least) continue;
          [found, least] = [other, cost(ahead, beside)];
        }
        return found;
      };
      const joined = (this.lines.get(name) ?? []).map(({ other }) => other);
      const along = (steep) => nearest(joined, steep, (ahead, beside) => beside / ahead + ahead / 1e5);
      const across = () => nearest(this.present(), 2, (ahead, beside) => ahead + 2 * beside);
      const flow = this.data.direction === "TB" ? wy !== 0 : wx !== 0;
      const to = flow ? along(Infinity) ?? across() : along(0.7) ?? across() ?? along(Infinity);
      if (to) this.focus(to);
    }
  }

  for (const root of document.querySelectorAll("section.dp")) {
    const data = document.getElementById(`${root.id}-data`);
    if (data) viewers[root.id] = new Viewer(root, JSON.parse(data.textContent));
  }
  document.addEventListener("diptych:hover", ({ detail }) => {
    for (const [id, viewer] of Object.entries(viewers)) {
      if (id !== detail.viewer) viewer.highlight(detail.links.flatMap((link) => viewer.links.get(link) ?? []));
    }
  });
  window.diptych = { viewers };
})();
