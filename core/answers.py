"""How a problem reaches whoever asked: as a document below /api/, as a page elsewhere. And where a page has gone."""

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
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


def moved_to(request: HttpRequest, path: str) -> HttpResponse:
    """To where the page is now, with whatever followed the question mark."""
    query = request.META.get("QUERY_STRING", "")
    # Browsers keep a 301 for ever otherwise, and once an address is taken back two of them lead in a circle.
    return HttpResponsePermanentRedirect(f"{path}?{query}" if query else path, headers={"Cache-Control": "no-cache"})
