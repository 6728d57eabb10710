"""What the page asks for: itself, and answers for one picture at a time.

A picture is the body of a request. It is kept in memory until it is answered; no path and no name
comes with it, and nothing is written.
"""

import asyncio
import base64
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from starlette.requests import ClientDisconnect

from pipeline.detection.pictures import read_picture
from pipeline.errors import UserError
from pipeline.predict.explanation import map_faces, tint
from pipeline.predict.recogniser import Recogniser
from pipeline.saliency.params import Saliency
from pipeline.wording.templates import read_style

MOST_BYTES = 20 * 2**20
"""Of a picture: phones' have 3 to 12 MB."""

MOST_WAITING = 8
"""Pictures that wait for their turn; who sends more is told to come back."""

HOSTS = ["127.0.0.1", "localhost"]
"""Names by which the page may be asked for: a foreign name that leads here is not answered."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""The browser, too, sees that nothing leaves this machine and that nothing is kept."""

_HERE = Path(__file__).parent


def make_app(model: str, recogniser: Recogniser, settings: Saliency) -> FastAPI:
    """The page's server; `model` is what the page calls the model, the settings are of saliency."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    turn, waiting = asyncio.Lock(), 0

    @app.middleware("http")
    async def guard(request: Request, proceed: Any) -> Response:
        # A page of another site may send a request here, though it could not read the answer.
        answer: Response
        if request.headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
            answer = await proceed(request)
        else:
            answer = JSONResponse({"detail": "only this page is answered"}, 403)
        answer.headers.update(HEADERS)
        return answer

    for path, content, kind in (
        ("/", (_HERE / "page.html").read_text(encoding="utf-8"), "text/html"),
        ("/page.css", read_style(_HERE / "page.css"), "text/css"),
        ("/page.js", (_HERE / "page.js").read_text(encoding="utf-8"), "text/javascript"),
    ):
        app.get(path)(_always(content, kind))

    @app.get("/about")
    async def about() -> dict[str, Any]:
        return {"model": model, "not_sure": recogniser.not_sure, "most_bytes": MOST_BYTES}

    @app.post("/answer")
    async def answer(request: Request, saliency: bool = False) -> dict[str, Any]:
        nonlocal waiting
        if waiting >= MOST_WAITING:
            raise HTTPException(503, "too many pictures at once; send this one again later")
        waiting += 1
        try:
            content = await _read(request)
            async with turn:
                explained = settings if saliency else None
                return await run_in_threadpool(_answer, content, recogniser, explained)
        except UserError as error:
            raise HTTPException(422, str(error).removeprefix("the picture: ")) from None
        finally:
            waiting -= 1

    return app


def _answer(content: bytes, recogniser: Recogniser, settings: Saliency | None) -> dict[str, Any]:
    start = time.perf_counter()
    picture = read_picture(content)
    answers = recogniser.recognise(picture)
    faces = [answer.as_json() for answer in answers]
    if settings and answers:
        maps = map_faces(answers, recogniser.classifier, settings)
        faces = [face | {"map": _as_url(heat)} for face, heat in zip(faces, maps, strict=True)]
    height, width = picture.shape[:2]
    spent = round(1000 * (time.perf_counter() - start))
    return {"width": width, "height": height, "milliseconds": spent, "faces": faces}


async def _read(request: Request) -> bytes:
    """The body, of which no more is taken than is allowed."""
    content = bytearray()
    try:
        async for piece in request.stream():
            content += piece
            if len(content) > MOST_BYTES:
                raise HTTPException(413, f"the picture has more than {MOST_BYTES >> 20} MB")
    except ClientDisconnect:
        raise HTTPException(400, "the picture broke off") from None  # nobody is there to read it
    return bytes(content)


def _as_url(heat: NDArray[np.float32]) -> str:
    written = io.BytesIO()
    tint(heat).save(written, "PNG")
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode('ascii')}"


def _always(content: str, kind: str) -> Any:
    async def give() -> Response:
        return Response(content, media_type=kind)

    return give
