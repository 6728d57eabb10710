"""Drawing grey 48x48 faces from parameters, with numpy alone.

`people` says who stands there and in which light, `actions` what each expression does to a face,
`head` and `features` turn both into layers of paint (`layers`), `photograph` puts them together.
"""

from pipeline.sample.drawing.actions import Actions
from pipeline.sample.drawing.people import People
from pipeline.sample.drawing.photograph import Faces, draw_faces, paint

__all__ = ["Actions", "Faces", "People", "draw_faces", "paint"]
