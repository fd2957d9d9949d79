// What the shop does in the browser: the cart (kept in localStorage), the choices on a product's
// page, and the list of bags, which changes kind without loading a page (History API).

"use strict";

const STORE = "mesange-cart";
const LINES_MAX = 40;
const EACH_MAX = 9;
const french = document.documentElement.lang === "fr";

const GOODS = {
  rollier: { name: "Rollier", price: 129, pair: 239, canvas: "moss", page: "rollier.html" },
  pinson: { name: "Pinson", price: 89, canvas: "ochre", page: "pinson.html" },
  moineau: { name: "Moineau", price: 45, canvas: "slate", page: "moineau.html" },
  hulotte: { name: "Hulotte", price: 165, canvas: "pine", page: "hulotte.html" },
  wax: { name: french ? "Cire" : "Wax", price: 14 },
  cover: { name: french ? "Housse de pluie" : "Rain cover", price: 15 },
};
const SHIPPING = { fr: { costs: 4.9, free: 80 }, eu: { costs: 9.9, free: 150 }, us: { costs: 24 } };
const WRAPPING = 6;

const TEXTS = french
  ? {
      moss: "vert mousse",
      slate: "bleu ardoise",
      ochre: "ocre",
      large: "grande taille",
      small: "petite taille",
      one: "une",
      pair: "la paire",
      vegan: "liège",
      quantity: "Quantité",
      remove: "Retirer",
      free: "gratuite",
      added: "C’est dans votre panier.",
      full: "Le panier est plein.",
      missing: (sum) => `Encore ${sum} et la livraison est gratuite.`,
      paid: "Ceci est une démonstration : rien n’est vendu ici.",
      shown: (n) => `${n} articles`,
    }
  : {
      moss: "moss green",
      slate: "slate blue",
      ochre: "ochre",
      large: "large",
      small: "small",
      one: "one",
      pair: "a pair",
      vegan: "cork",
      quantity: "Quantity",
      remove: "Remove",
      free: "free",
      added: "It is in your cart.",
      full: "The cart is full.",
      missing: (sum) => `${sum} more and shipping is free.`,
      paid: "This is a demonstration: nothing is sold here.",
      shown: (n) => `${n} goods`,
    };

showCount();
tellWidget();
document.querySelectorAll("[data-add]").forEach(sellSmall);
document.querySelectorAll("[data-product]").forEach(sell);
document.querySelectorAll("[data-gallery]").forEach(showKinds);
document.querySelectorAll("[data-cart]").forEach(showCart);

/** The cart: lines of {good, choices, quantity}. What does not fit is left out. */
function load() {
  let lines;
  try {
    lines = JSON.parse(localStorage.getItem(STORE) ?? "[]");
  } catch {
    lines = [];
  }
  if (!Array.isArray(lines)) return [];
  return lines
    .filter((line) => line && Object.hasOwn(GOODS, line.good) && Number.isInteger(line.quantity))
    .map(({ good, choices, quantity }) => ({
      good,
      choices: typeof choices === "object" && choices ? choices : {},
      quantity: Math.min(Math.max(quantity, 1), EACH_MAX),
    }))
    .slice(0, LINES_MAX);
}

function save(lines) {
  try {
    localStorage.setItem(STORE, JSON.stringify(lines));
  } catch {
    // Without storage the cart lives as long as the page.
  }
  showCount(lines);
  tellWidget(lines);
}

/** Whether there was room. */
function put(good, choices, quantity) {
  const lines = load();
  const same = JSON.stringify(choices);
  const line = lines.find((line) => line.good === good && JSON.stringify(line.choices) === same);
  if (!line && lines.length >= LINES_MAX) return false;
  if (line) line.quantity = Math.min(line.quantity + quantity, EACH_MAX);
  else lines.push({ good, choices, quantity });
  save(lines);
  return true;
}

function showCount(lines = load()) {
  const count = lines.reduce((sum, line) => sum + line.quantity, 0);
  for (const place of document.querySelectorAll("[data-count]")) {
    place.textContent = String(count);
    place.hidden = count === 0;
  }
}

/** What operators see beside the conversation: what lies in the cart. */
function tellWidget(lines = load()) {
  const data = {};
  if (lines.length > 0) {
    data.cart = lines.map(({ good, quantity }) => `${quantity} × ${GOODS[good].name}`).join(", ");
    data.total = money(lines.reduce((sum, line) => sum + priceOf(line) * line.quantity, 0));
  }
  window.Vigie ??= [];
  window.Vigie.push(["setData", data]);
}

function sellSmall(button) {
  const said = document.querySelector("[data-said]");
  button.addEventListener("click", () => {
    const fits = put(button.dataset.add, {}, 1);
    if (said) said.textContent = fits ? TEXTS.added : TEXTS.full;
  });
}

function sell(form) {
  const good = form.dataset.product;
  const picture = document.querySelector("[data-picture]");
  const chosen = () => {
    const data = new FormData(form);
    const choices = {};
    for (const name of ["colour", "set", "size"])
      if (data.has(name)) choices[name] = data.get(name);
    if (data.has("vegan")) choices.vegan = true;
    return choices;
  };
  const show = () => {
    const choices = chosen();
    form.querySelector("[data-price]").textContent = money(priceOf({ good, choices }));
    if (choices.colour) picture.dataset.canvas = choices.colour;
    picture.dataset.leather = choices.vegan ? "cork" : "leather";
  };
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const quantity = Math.min(Math.max(Math.trunc(Number(form.quantity.value)) || 1, 1), EACH_MAX);
    form.querySelector("[data-said]").textContent = put(good, chosen(), quantity)
      ? TEXTS.added
      : TEXTS.full;
  });
  show();
}

/** The kinds of bags: each has an address and a title of its own, and no page is loaded. */
function showKinds(gallery) {
  const links = [...document.querySelectorAll("[data-show]")];
  const heading = document.querySelector("[data-title]");
  const whole = { heading: heading.textContent, title: document.title };
  const show = () => {
    const kind = new URLSearchParams(location.search).get("kind") ?? "";
    const link = links.find((link) => link.dataset.show === kind) ?? links[0];
    for (const other of links) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    let shown = 0;
    for (const card of gallery.children) {
      card.hidden = link.dataset.show !== "" && card.dataset.kind !== link.dataset.show;
      if (!card.hidden) shown += 1;
    }
    const all = link === links[0];
    heading.textContent = all ? whole.heading : link.textContent;
    document.title = all ? whole.title : `${link.textContent} – Mésange`;
    return shown;
  };
  for (const link of links) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      if (link.href !== location.href) history.pushState(null, "", link.href);
      document.querySelector("[data-said]").textContent = TEXTS.shown(show());
    });
  }
  addEventListener("popstate", show);
  show();
}

function showCart(cart) {
  const part = (name) => cart.querySelector(`[data-${name}]`);
  const empty = document.querySelector("[data-empty]");
  const list = part("lines");
  const draw = () => {
    const lines = load();
    cart.hidden = lines.length === 0;
    empty.hidden = lines.length > 0;
    list.replaceChildren(...lines.map((line, index) => row(line, index)));
    const goods = lines.reduce((sum, line) => sum + priceOf(line) * line.quantity, 0);
    const { costs, free } = SHIPPING[part("country").value];
    const shipping = free !== undefined && goods >= free ? 0 : costs;
    const wrapping = part("wrap").checked ? WRAPPING : 0;
    part("goods").textContent = money(goods);
    part("wrapping").hidden = wrapping === 0;
    part("shipping").textContent = shipping === 0 ? TEXTS.free : money(shipping);
    part("total").textContent = money(goods + shipping + wrapping);
    part("missing").textContent =
      shipping > 0 && free !== undefined ? TEXTS.missing(money(free - goods)) : "";
  };
  const row = (line, index) => {
    const good = GOODS[line.good];
    const item = make("li");
    const picture = make("span", "picture");
    picture.dataset.canvas = line.choices.colour ?? good.canvas ?? "";
    if (line.choices.vegan) picture.dataset.leather = "cork";
    picture.append(drawing(line.good));
    const heading = make("h2");
    if (good.page) {
      const link = make("a");
      link.href = (french ? "/demo/fr/" : "/demo/") + good.page;
      link.textContent = good.name;
      heading.append(link);
    } else heading.textContent = good.name;
    const chosen = make("p");
    chosen.textContent = describe(line.choices);
    const quantity = make("input");
    Object.assign(quantity, {
      type: "number",
      min: "1",
      max: String(EACH_MAX),
      value: String(line.quantity),
    });
    quantity.setAttribute("aria-label", `${TEXTS.quantity}, ${good.name}`);
    quantity.addEventListener("change", () => {
      change(index, Math.min(Math.max(Math.trunc(Number(quantity.value)) || 1, 1), EACH_MAX));
      list.querySelectorAll("input")[index]?.focus();
    });
    const remove = make("button", "quiet");
    remove.type = "button";
    remove.textContent = TEXTS.remove;
    remove.setAttribute("aria-label", `${TEXTS.remove}, ${good.name}`);
    remove.addEventListener("click", () => {
      change(index, 0);
      document.getElementById("main").focus();
    });
    const edit = make("div", "edit");
    edit.append(quantity, remove);
    const words = make("div");
    words.append(heading, chosen, edit);
    const price = make("span", "price");
    price.textContent = money(priceOf(line) * line.quantity);
    item.append(picture, words, price);
    return item;
  };
  const change = (index, quantity) => {
    const lines = load();
    if (quantity === 0) lines.splice(index, 1);
    else lines[index].quantity = quantity;
    save(lines);
    draw();
  };
  part("country").addEventListener("change", draw);
  part("wrap").addEventListener("change", draw);
  part("pay").addEventListener("click", () => {
    part("said").textContent = TEXTS.paid;
  });
  addEventListener("storage", (event) => {
    if (event.key === STORE) draw();
  });
  draw();
}

function priceOf({ good, choices }) {
  const { price, pair } = GOODS[good];
  return choices.set === "pair" && pair ? pair : price;
}

function describe(choices) {
  const words = [
    choices.colour,
    choices.set === "pair" ? "pair" : "",
    choices.size,
    choices.vegan ? "vegan" : "",
  ];
  return words
    .filter((word) => word && Object.hasOwn(TEXTS, word))
    .map((word) => TEXTS[word])
    .join(", ");
}

function money(sum) {
  const digits = Number.isInteger(sum) ? 0 : 2;
  const number = new Intl.NumberFormat(french ? "fr" : "en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${number.format(sum)}\u00a0€`;
}

function make(name, className = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  return element;
}

function drawing(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/demo/drawings.svg#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}
