"""How a problem reaches whoever asked: as a document below /api/, as a page elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.problems import Problem, json_response

FOR_MACHINES = ("/api/", "/webhooks/")
PAGES = {
    400: "400.html",
    401: "403.html",
    403: "403.html",
    404: "404.html",
    409: "409.html",
    413: "400.html",
    429: "429.html",
    500: "500.html",
}


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The answer that ``request`` gets. Asks neither database nor session: they may be what is away."""
    if request.path.startswith(FOR_MACHINES):
        return json_response(problem)
    page = PAGES.get(problem.status, "409.html" if problem.status < 500 else "503.html")
    response = render(None, page, {"problem": problem}, status=problem.status)
    for name, value in problem.headers().items():
        response[name] = value
    return response
