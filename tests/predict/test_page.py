"""The page of `make try`: what its server answers, and the page itself in a real Chromium."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from pipeline.detection.detector import find_faces
from pipeline.detection.pictures import read_picture, to_grey
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.predict.page.app import MOST_WAITING

from ..browser import BROWSER, PATIENCE, QUIET, find_playwright, needs_browser
from ..conftest import ROOT
from ..detection.photos import PHOTO, nobody, photo
from ..ingest.files import encoded
from ..project import wait_for
from .model import save_model

pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where the page is served, from a folder with no more than parameters and a model."""
    folder = tmp_path_factory.mktemp("page")
    save_model(folder / "model")
    shutil.copy(ROOT / "params.yaml", folder)
    command = [sys.executable, "-m", "pipeline.predict.page", "--port", "0", "--model", "model"]
    with (folder.parent / "said").open("w+") as said:
        server = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=said, text=True
        )
        try:
            yield server.stdout.readline().split()[0]
        finally:
            server.send_signal(signal.SIGINT)
            ended = server.wait(60)
        said.seek(0)
        assert (ended, said.read()) == (0, "")
    assert {path.name for path in folder.rglob("*")} == {
        "model", "model.json", "weights.safetensors", "params.yaml",
    }  # fmt: skip


@pytest.fixture(scope="module")
def client(address):
    import httpx

    with httpx.Client(base_url=address, timeout=120) as client:
        yield client


def test_an_answer_has_each_face_and_with_saliency_a_map(client):
    found = client.post("/answer", content=PHOTO.read_bytes()).json()
    (face,), (box,) = found["faces"], find_faces(to_grey(read_picture(PHOTO)))
    assert (found["width"], found["height"]) == (512, 512)
    assert face["box"] == {name: round(value) for name, value in box._asdict().items()}
    assert set(face["probabilities"]) == set(EXPRESSIONS)
    assert "map" not in face
    (mapped,) = client.post("/answer?saliency=true", content=PHOTO.read_bytes()).json()["faces"]
    assert mapped.pop("map").startswith("data:image/png;base64,")
    assert mapped == face
    assert client.post("/answer", content=encoded(Image.fromarray(nobody()))).json()["faces"] == []


def test_what_is_no_picture_or_too_large_is_refused(client):
    for content, status, words in (
        (b"", 422, "no picture of a kind that is read"),
        (b"%!PS", 422, "no picture of a kind that is read"),
        (encoded(Image.new("L", (9, 9))), 422, "a side has at least 24"),
        (bytes(20 * 2**20 + 1), 413, "more than 20 MB"),
    ):
        refused = client.post("/answer", content=content)
        assert refused.status_code == status
        assert words in refused.json()["detail"]


def test_too_many_pictures_at_once_are_told_to_come_back_and_the_others_are_answered(client):
    begun, go = threading.Semaphore(0), threading.Event()

    def slowly():
        begun.release()
        go.wait(60)
        yield PHOTO.read_bytes()

    def ask():
        return client.post("/answer", content=slowly()).status_code

    with ThreadPoolExecutor(MOST_WAITING) as pool:
        asked = [pool.submit(ask) for _ in range(MOST_WAITING)]
        for _ in asked:
            begun.acquire()
        wait_for(lambda: client.post("/answer", content=b"").status_code == 503)
        go.set()
        assert [each.result() for each in asked] == [200] * MOST_WAITING


def test_a_picture_that_breaks_off_leaves_the_page_at_work_and_silent(address, client):
    host, port = address.removeprefix("http://").strip("/").split(":")
    with socket.create_connection((host, int(port))) as sender:
        sender.sendall(
            b"POST /answer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n%PNG"
        )
    assert client.post("/answer", content=PHOTO.read_bytes()).json()["faces"]
    # Its silence is asserted where `address` ends.


def test_only_the_page_itself_is_answered(client):
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    other = {"sec-fetch-site": "cross-site"}
    assert client.post("/answer", content=b"", headers=other).status_code == 403
    for path in ("/../params.yaml", "/params.yaml", "/docs", "/openapi.json", "//etc/passwd"):
        assert client.get(path).status_code == 404
    policy = client.get("/").headers
    assert "default-src 'none'" in policy["content-security-policy"]
    assert policy["cache-control"] == "no-store"


def test_a_port_that_is_taken_is_a_line(address):
    port = address.rpartition(":")[2]
    command = [sys.executable, "-m", "pipeline.predict.page", "--port", port]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    other = r"choose another: python -m pipeline\.predict\.page --port 8049"
    assert re.fullmatch(rf"try: error: port {port}: .*; {other}\n", done.stderr)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium with a camera that sees a face: a video of one picture, drawn here."""
    video = tmp_path_factory.mktemp("camera") / "camera.y4m"
    y, u, v = photo(320).convert("YCbCr").split()
    halves = [np.asarray(plane.resize((160, 160))) for plane in (u, v)]
    picture = b"".join(plane.tobytes() for plane in (np.asarray(y), *halves))
    video.write_bytes(b"YUV4MPEG2 W320 H320 F10:1 Ip A1:1 C420jpeg\n" + b"FRAME\n" + picture)
    camera = [
        "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    ]  # fmt: skip
    with find_playwright().sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=BROWSER, args=[*QUIET, *camera])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, address):
    """The page as it is opened; at the end, nothing was asked of anyone else, and all went well."""
    context = browser.new_context(viewport={"width": 1100, "height": 900}, permissions=["camera"])
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Policy" in said.text else None)
    page.goto(address)
    yield page
    context.close()
    assert [url for url in asked if not url.startswith((address, "blob:", "data:"))] == []
    assert wrong == []


def expect(what):
    return find_playwright().expect(what)


def drop(page, event, holder):
    """Bring a photo as a user's mouse or keyboard would, by an event that holds it."""
    content = list(encoded(photo(), "JPEG"))
    page.evaluate(
        """([content, event, holder]) => {
            const held = new DataTransfer();
            held.items.add(new File([new Uint8Array(content)], "me.jpg", {type: "image/jpeg"}));
            const Kind = event === "paste" ? ClipboardEvent : DragEvent;
            document.dispatchEvent(new Kind(event, {[holder]: held, cancelable: true}));
        }""",
        [content, event, holder],
    )


@needs_browser
def test_a_photo_is_chosen_with_the_keyboard_and_answered(page):
    # Asked for beforehand: a chooser that opens before the driver waits for it is lost.
    page.on("filechooser", lambda chooser: chooser.set_files([PHOTO]))
    page.keyboard.press("Tab")
    expect(page.locator("#choose")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".face")).to_have_count(1)
    assert page.locator(".face li").count() == len(EXPRESSIONS)
    assert page.locator(".face h2").inner_text()
    assert re.search(r"1 face, answered in \d+ ms", page.locator(".note").inner_text())
    shown, picture = page.locator(".box").bounding_box(), page.locator("img").bounding_box()
    (box,) = find_faces(to_grey(read_picture(PHOTO)))
    scale = picture["width"] / 512
    assert shown["x"] - picture["x"] == pytest.approx(box.left * scale, abs=2)
    assert shown["width"] == pytest.approx(box.side * scale, abs=4)
    assert "Nothing leaves this machine" in page.locator("#private").inner_text()

    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the switch
    expect(page.locator(".box img")).to_have_count(1)
    assert page.locator(".box img").evaluate("map => map.naturalWidth") == 48
    page.keyboard.press("Space")
    expect(page.locator(".box img")).to_have_count(0)


@needs_browser
def test_photos_are_pasted_and_dropped_and_what_is_none_is_told(page, tmp_path):
    drop(page, "paste", "clipboardData")
    expect(page.locator(".face")).to_have_count(1)
    drop(page, "drop", "dataTransfer")
    expect(page.locator(".face")).to_have_count(2)
    (tmp_path / "none.png").write_bytes(b"no picture")
    page.set_input_files("#files", [tmp_path / "none.png"])
    expect(page.get_by_role("alert")).to_contain_text("none.png: cannot be read")


@needs_browser
def test_of_many_pictures_it_says_which_are_answered_and_why_one_is_not(page, tmp_path):
    pictures = [tmp_path / f"{number}.jpg" for number in range(14)]
    for picture in pictures:
        picture.write_bytes(encoded(photo(), "JPEG"))
    page.set_input_files("#files", pictures)
    pictures[11].unlink()  # as if it were a folder: what is chosen cannot be read
    expect(page.get_by_text("The first 12 of 14 pictures are answered.")).to_be_visible()
    expect(page.locator(".face")).to_have_count(11)
    expect(page.get_by_role("alert")).to_contain_text("11.jpg: cannot be read")


@needs_browser
def test_a_picture_that_the_browser_does_not_show_is_answered_and_no_empty_frame(page, tmp_path):
    photo().save(tmp_path / "photo.tiff")
    page.set_input_files("#files", [tmp_path / "photo.tiff"])
    expect(page.locator(".face")).to_have_count(1)
    expect(page.locator(".unshown")).to_have_count(1)
    expect(page.locator(".box")).to_be_hidden()


@needs_browser
def test_a_camera_that_is_asked_for_twice_is_started_once_and_stopped(page):
    page.evaluate("""() => {
      window.tracks = [];
      const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        await new Promise((done) => setTimeout(done, 300));
        const stream = await open(wanted);
        tracks.push(...stream.getTracks());
        return stream;
      };
    }""")
    page.get_by_role("button", name="Use the camera").dblclick()
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.get_by_text("The camera is off.")).to_be_visible()
    assert page.evaluate("tracks.map((track) => track.readyState)") == ["ended"]


@needs_browser
def test_the_camera_is_answered_until_it_is_stopped(page):
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#live .box")).to_have_count(1)
    first = page.locator("#live video").evaluate("video => video.videoWidth")
    assert first == 320
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.locator("#live")).to_be_hidden()
    assert page.evaluate("stream") is None


@needs_browser
def test_the_answer_of_a_face_in_a_corner_is_seen(page, tmp_path):
    Image.open(PHOTO).crop((0, 0, 290, 168)).save(tmp_path / "corner.png")
    page.set_viewport_size({"width": 360, "height": 740})
    page.set_input_files("#files", [tmp_path / "corner.png"])
    expect(page.locator(".picture > img")).not_to_have_js_property("naturalHeight", 0)
    answer, picture = page.locator(".box b").bounding_box(), page.locator("img").bounding_box()
    for start, length in (("x", "width"), ("y", "height")):
        assert picture[start] <= answer[start]
        assert answer[start] + answer[length] <= picture[start] + picture[length] + 1


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_light_and_dark(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    page.set_input_files("#files", [PHOTO])
    expect(page.locator(".face")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for part in (".face h2", "#private", "button >> nth=0", ".note"):
        assert contrast(page, part) >= 4.5
    for control in page.locator("button, .switch").all():
        assert control.bounding_box()["height"] >= 44


def contrast(page, part):
    """The contrast of a text by WCAG 2, with the nearest ground that is painted."""
    colours = page.locator(part).first.evaluate(
        """element => {
            const ink = getComputedStyle(element).color;
            let ground = "rgba(0, 0, 0, 0)";
            for (; ground === "rgba(0, 0, 0, 0)"; element = element.parentElement)
                ground = getComputedStyle(element).backgroundColor;
            return [ink, ground];
        }"""
    )
    light, dark = sorted((luminance(each) for each in colours), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    values = np.array([float(value) for value in re.findall(r"[\d.]+", colour)[:3]]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]
