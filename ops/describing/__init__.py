"""describing: the API as an OpenAPI 3.1 document.

`messages` describes bodies and query objects by their msgspec types, `parameters` and `responses`
the rest of a route's declaration, and `problems` the errors. `operations` has the words for each
route, and `samples` requests as a program would send them. `document` puts them together.
"""
