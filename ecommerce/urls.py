"""Every address of the shop. Each app names its own below."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.static import serve
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

handler400 = "core.views.bad_request"
handler403 = "core.views.permission_denied"
handler404 = "core.views.not_found"
handler500 = "core.views.server_error"
api = [
    path("", include("accounts.api_urls")),
    path("", include("catalog.api_urls")),
    path("", include("inventory.api_urls")),
    path("", include("pricing.api_urls")),
    path("", include("cart.api_urls")),
    path("", include("payments.api_urls")),
    path("", include("orders.api_urls")),
    path("", include("search.api_urls")),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("core.urls")),
    path("", include("catalog.urls")),
    path("", include("cart.urls")),
    path("", include("orders.urls")),
    path("", include("payments.urls")),
    path("", include("search.urls")),
    path("account/", include("accounts.urls")),
    path("account/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include(api)),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
]
if not settings.PRODUCTION:
    # In production the proxy, or the storage's own address, serves what staff upload.
    urlpatterns.append(re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}))
