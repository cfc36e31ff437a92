extension ExampleSection {
    /// Draws the page of answers that the address asks for. Text becomes text nodes, never markup; there is no `<` and no `&` in it,
    /// for the page is HTML and XML at once.
    static let program = #"""

        "use strict";
        {
          const data = JSON.parse(document.getElementById("data").textContent);
          const fields = ["task", "policy", "show", "q"];
          const inputs = Object.fromEntries(fields.map(name => [name, document.getElementById("filter-" + name)]));
          const rows = document.getElementById("rows");
          const size = 20;
          const full = new Map(data.rows.filter(row => row[1] === data.full).map(row => [row[0], row]));
          let view = {};

          const element = (name, className, ...children) => {
            const made = document.createElement(name);
            if (className) made.className = className;
            made.append(...children);
            return made;
          };

          // What is looked for.
          const read = () => {
            const asked = new URLSearchParams(location.hash.slice(1));
            view = {page: Math.max(1, Number.parseInt(asked.get("page"), 10) || 1), item: asked.get("item") || ""};
            for (const name of fields) {
              view[name] = asked.get(name) || "";
              inputs[name].value = view[name];
            }
          };
          const address = changes => {
            const asked = new URLSearchParams();
            for (const [name, value] of Object.entries({...view, page: 1, ...changes}))
              if (value) if (name !== "page" || value !== 1) asked.set(name, value);
            return "#" + asked;
          };
          const text = row => {
            const [, id, prompt, choices, references] = data.items[row[0]];
            return [id, prompt, ...choices, ...references, written(row)].join("\n").toLowerCase();
          };
          const written = row =>
            typeof row[5] === "string" ? row[5] :
            typeof row[5] === "number" ? row[6][0].join("").slice(0, row[5]) : "";
          const shows = {
            right: row => row[2] === 1,
            wrong: row => row[2] === 0,
            differs: row => row[3] === 0,
            lost: row => [row[2], full.get(row[0])?.[2]].join() === "0,1",
            gained: row => [row[2], full.get(row[0])?.[2]].join() === "1,0",
            tokens: row => row[6][2].length > 0,
          };
          const found = () => {
            const words = view.q.toLowerCase();
            const tests = [
              view.task ? row => data.tasks[data.items[row[0]][0]].name === view.task : null,
              view.policy ? row => data.policies[row[1]] === view.policy : null,
              view.item ? row => data.items[row[0]][1] === view.item : null,
              Object.hasOwn(shows, view.show) ? shows[view.show] : null,
              words ? row => text(row).includes(words) : null,
            ].filter(test => test);
            return data.rows.filter(row => tests.every(test => test(row)));
          };

          // One answer.
          const tokens = (row, from, to) => {
            const [texts, layers, others, scores] = row[6];
            const end = typeof row[5] === "number" ? row[5] : Infinity;
            let place = texts.slice(0, from).join("").length;
            return texts.slice(from, to).map((piece, offset) => {
              const index = from + offset;
              const span = element("span", "k" + layers[index], piece);
              span.dataset.l = layers[index];
              const score = scores[index] ?? null;
              const other = others.includes(index);
              span.title = "layer " + layers[index] + (score === null ? "" : ", score " + score) +
                (other ? ", the full model would name another" : "");
              if (other) span.classList.add("x");
              if (place >= end) span.classList.add("after");
              place += piece.length;
              return span;
            });
          };
          const likelihood = sum => sum === null ? "–" : sum.toFixed(2).replace("-", "−");
          const answer = row => {
            const [texts, , , , counts, left] = row[6];
            const rest = left ? [element("small", "", " … and " + left + " more tokens")] : [];
            if (!Array.isArray(row[5])) {
              const pieces = texts.length ? tokens(row, 0, texts.length) : [written(row)];
              return element("div", "text", ...pieces, ...rest);
            }
            const [, , , choices, references] = data.items[row[0]];
            const sums = row[5].map(sum => sum ?? -Infinity);
            const best = sums.indexOf(Math.max(...sums));
            let from = 0;
            return element("ol", "choices", ...row[5].map((sum, index) => {
              const to = from + (counts[index] ?? 0);
              const pieces = to > from ? tokens(row, from, to) : [choices[index] ?? ""];
              from = to;
              const marks = [];
              if (row[5].length > 1) {
                if (index === best) marks.push(element("span", "mark", "the likeliest"));
                if (references.some(known => known.trim() === (choices[index] ?? "").trim()))
                  marks.push(element("span", "mark right", "reference"));
              }
              return element("li", "", element("span", "text", ...pieces), element("small", "", likelihood(sum)), ...marks);
            }), ...rest);
          };
          const pair = (name, ...value) =>
            element("div", "pair", element("span", "", name), element("span", "pre", ...value));
          const example = row => {
            const [task, id, prompt, choices, references] = data.items[row[0]];
            const {name, metrics} = data.tasks[task];
            const link = element("a", "", name + " " + id);
            link.href = "#" + new URLSearchParams({task: name, item: id});
            link.title = "this item under all policies";
            const title = element("h3", "", link, " ", element("span", "", data.policies[row[1]]));
            if (row[2] >= 0)
              title.append(element("span", row[2] ? "mark right" : "mark wrong", row[2] ? "✓ right" : "✗ wrong"));
            if (row[3] === 0) title.append(element("span", "mark", "differs from the full model’s"));
            const layers = row[6][1];
            const facts = metrics.map((metric, index) => metric + " " + (row[4][index] ?? "–"));
            if (layers.length) {
              facts.push((layers.reduce((a, b) => a + b, 0) / layers.length).toFixed(2) + " layers a token");
              facts.push(row[6][2].length + " of " + layers.length + " tokens not the full model’s");
            }
            const made = element("article", "example", title, element("small", "", facts.join(", ")), answer(row));
            if (row[3] === 0) {
              const other = full.get(row[0]);
              if (other) if (!Array.isArray(other[5])) made.append(pair("The full model’s answer", written(other)));
            }
            if (references.length) made.append(pair("References", references.slice(0, 12).map(known => known.trim()).join("\n")));
            if (prompt)
              made.append(element("details", "", element("summary", "", "Prompt"), element("span", "pre prompt", prompt)));
            return made;
          };

          // One page of them.
          const show = () => {
            const all = found();
            const last = Math.max(1, Math.ceil(all.length / size));
            const page = Math.min(view.page, last);
            const start = (page - 1) * size;
            const button = (name, target) => {
              const made = element("button", "", name);
              made.type = "button";
              made.disabled = target === page || target !== Math.min(Math.max(target, 1), last);
              made.onclick = () => {
                location.hash = address({page: target});
                document.getElementById("filters").scrollIntoView();
              };
              return made;
            };
            const pager = live => {
              const state = element("span", "", all.length ?
                (start + 1) + " to " + Math.min(start + size, all.length) + " of " + all.length + " answers" :
                "No answer is like that.");
              if (live) state.setAttribute("role", "status");
              const parts = [state, button("Previous", page - 1), button("Next", page + 1)];
              if (view.item) {
                const link = element("a", "", "all items");
                link.href = address({item: ""});
                parts.push(link);
              }
              return element("div", "pager", ...parts);
            };
            rows.replaceChildren(pager(true), ...all.slice(start, start + size).map(example),
              ...(all.length > size ? [pager(false)] : []));
          };
          // Other fragments are links to sections.
          const asks = () => location.hash.includes("=") || location.hash.length === 0 || location.hash === "#";
          addEventListener("hashchange", () => { if (asks()) { read(); show(); } });
          const change = () => {
            const changes = Object.fromEntries(fields.map(name => [name, inputs[name].value]));
            history.replaceState(null, "", address({...changes, item: ""}));
            read();
            show();
          };
          for (const name of fields) inputs[name].addEventListener(name === "q" ? "input" : "change", change);
          document.getElementById("filters").addEventListener("submit", event => event.preventDefault());
          document.getElementById("filters").hidden = false;
          if (asks()) read(); else view = {page: 1, item: "", ...Object.fromEntries(fields.map(name => [name, ""]))};
          show();
        }

        """#
}
