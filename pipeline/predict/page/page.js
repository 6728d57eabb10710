// Sends pictures to the server on this machine, one at a time, and shows what it says of their faces.
"use strict";

const MOST_PICTURES = 24;   // answered ones that stay on the page
const MOST_AT_ONCE = 12;
const CAMERA_SIDE = 640;    // pixels of the longer side of what the camera's pictures are sent as

const get = (id) => document.getElementById(id);
const percent = (share) => `${Math.round(100 * share)}%`;
let about = { most_bytes: Infinity };
let stream = null;
let starting = false;        // the browser may be asking whether the page gets the camera

fetch("about").then((answer) => answer.json()).then((found) => {
  about = found;
  get("model").textContent = about.model;
  get("threshold").textContent = percent(about.not_sure);
});

function say(text) {
  get("said").textContent = text;
}

async function ask(picture) {
  if (picture.size > about.most_bytes) {
    throw new Error(`the picture has more than ${about.most_bytes >> 20} MB`);
  }
  const address = get("saliency").checked ? "answer?saliency=true" : "answer";
  let answer, body;
  try {
    body = await picture.arrayBuffer();
  } catch {
    throw new Error("cannot be read; of a folder, drop the pictures that are in it");
  }
  try {
    answer = await fetch(address, { method: "POST", body });
  } catch {
    throw new Error("the server does not answer; is it still running?");
  }
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.detail);
  return found;
}

// Pictures of a user

let queue = Promise.resolve();   // each waits for those before it

function take(files) {
  const pictures = [...files].filter((file) => file.type.startsWith("image/") || !file.type);
  if (!pictures.length) return say("That is no picture.");
  for (const file of pictures.slice(0, MOST_AT_ONCE)) queue = queue.then(() => show(file));
  if (pictures.length > MOST_AT_ONCE) queue = queue.then(() => say(`The first ${MOST_AT_ONCE} of ${pictures.length} pictures are answered.`));
}

async function show(file) {
  const name = file.name || "your picture";
  const article = get("picture").content.cloneNode(true).querySelector("article");
  const answer = async () => {
    say(`Looking at ${name} …`);
    const found = await ask(file);
    fill(article, found);
    say(`${name}: ${summary(found)}`);
  };
  try {
    await answer();
    const image = new Image();
    image.alt = name;
    image.onerror = () => article.querySelector(".picture").classList.add("unshown");
    image.src = URL.createObjectURL(file);
    article.querySelector(".picture").prepend(image);
    article.redo = answer;
  } catch (error) {
    article.querySelector(".picture").remove();
    tell(article, `${name}: ${error.message}`);
    say("");
  }
  get("results").prepend(article);
  for (const old of [...get("results").children].slice(MOST_PICTURES)) {
    const image = old.querySelector(".picture > img");
    if (image) URL.revokeObjectURL(image.src);
    old.remove();
  }
}

function tell(article, text) {
  const note = article.querySelector(".note");
  note.textContent = text;
  note.classList.add("bad");
  note.setAttribute("role", "alert");
}

// Answers

function fill(article, found) {
  const picture = article.querySelector(".picture");
  const answers = article.querySelector(".answers");
  picture.querySelectorAll(".box").forEach((box) => box.remove());
  answers.querySelectorAll(".face").forEach((face) => face.remove());
  answers.querySelector(".note").textContent = `${count(found)}, answered in ${found.milliseconds} ms`;
  found.faces.forEach((face, number) => {
    const name = found.faces.length > 1 ? `${number + 1}: ` : "";
    picture.append(draw(face, found, name + face.expression));
    answers.append(list(face, name));
  });
}

const count = (found) =>
  found.faces.length === 1 ? "1 face" : `${found.faces.length || "No"} faces`;

function summary(found) {
  if (!found.faces.length) return "no face was found; one that looks straight ahead is found most easily.";
  return `${found.faces.map((face) => face.expression).join(", ")}.`;
}

function draw(face, found, name) {
  const box = document.createElement("div");
  box.className = "box";
  box.style.left = `${(100 * face.box.left) / found.width}%`;
  box.style.top = `${(100 * face.box.top) / found.height}%`;
  box.style.width = `${(100 * face.box.side) / found.width}%`;
  box.style.height = `${(100 * face.box.side) / found.height}%`;
  // Beyond the picture's edge an answer would not be seen.
  box.classList.toggle("low", face.box.top + face.box.side > 0.88 * found.height);
  box.classList.toggle("right", face.box.left > 0.6 * found.width);
  if (face.map) {
    const map = new Image();
    map.alt = "";
    map.src = face.map;
    box.append(map);
  }
  const label = document.createElement("b");
  label.textContent = name;
  box.append(label);
  return box;
}

function list(face, name) {
  const section = get("face").content.cloneNode(true).querySelector("section");
  const isSure = face.expression === face.likeliest[0];
  section.querySelector("h2").textContent =
    name + (isSure ? face.expression : `not sure: ${face.likeliest.join(" or ")}`);
  const sorted = Object.entries(face.probabilities).sort((a, b) => b[1] - a[1]);
  for (const [expression, probability] of sorted) {
    const row = document.createElement("li");
    row.innerHTML = '<span></span><span class="bar"><i></i></span><span class="percent"></span>';
    row.children[0].textContent = expression;
    row.querySelector("i").style.width = `${100 * probability}%`;
    row.children[2].textContent = percent(probability);
    section.querySelector("ol").append(row);
  }
  return section;
}

// The camera

async function startCamera() {
  starting = true;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
  } catch (error) {
    return say(`No camera: ${error.message}.`);
  } finally {
    starting = false;
  }
  const mine = stream;       // the user may stop it and start another while an answer is awaited
  const article = get("picture").content.cloneNode(true).querySelector("article");
  const video = document.createElement("video");
  Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
  article.querySelector(".picture").append(video);
  get("live").replaceChildren(article);
  get("live").hidden = false;
  get("camera").setAttribute("aria-pressed", "true");
  get("camera").textContent = "Stop the camera";
  await video.play();
  say("The camera is on.");
  const canvas = document.createElement("canvas");
  while (stream === mine) {
    const shrink = Math.min(1, CAMERA_SIDE / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(shrink * video.videoWidth);
    canvas.height = Math.round(shrink * video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
    try {
      const found = await ask(picture);
      if (stream === mine) fill(article, found);
    } catch (error) {
      if (stream !== mine) return;
      tell(article, error.message);
      stopCamera();
    }
    // Without a pause a hidden page and a quick server would keep the machine busy.
    await new Promise((done) => setTimeout(done, document.hidden ? 1000 : 30));
  }
}

function stopCamera() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  get("camera").setAttribute("aria-pressed", "false");
  get("camera").textContent = "Use the camera";
  say("The camera is off.");
}

// What a user does

get("choose").addEventListener("click", () => get("files").click());
get("files").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = "";
});
get("camera").addEventListener("click", () => {
  if (starting) return;
  if (!stream) return startCamera();
  stopCamera();
  get("live").hidden = true;
  get("live").replaceChildren();
});
get("saliency").addEventListener("change", () => {
  for (const article of get("results").children) {
    if (article.redo) queue = queue.then(article.redo).catch((error) => say(error.message));
  }
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) take(event.clipboardData.files);
});
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    get("place").classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) get("place").classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  get("place").classList.remove("over");
  take(event.dataTransfer.files);
});
