"""Drawing grey 48x48 faces from parameters, with numpy alone.

`people` says who stands there and in which light, `actions` what each expression does to a face,
`head` and `features` turn both into layers of paint (`layers`), `photograph` puts them together.
"""
