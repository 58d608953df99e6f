"""Users and their addresses for staff."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.utils.translation import gettext_lazy as _

from accounts.models import Address, User

# Staff log in where everybody does: there tries are limited, and addresses confirmed.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth's documentation has it


class UserCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]  # the stubs' parameter says nothing here
    """A new user, named by e-mail address."""

    class Meta:
        model = User
        fields = ("email",)


class AddressInline(admin.StackedInline):  # type: ignore[type-arg]  # the stubs' parameters say nothing here
    """The address book."""

    model = Address
    extra = 0


@admin.register(User)
class UserAdmin(BaseUserAdmin):  # type: ignore[type-arg]  # the stubs' parameter says nothing here
    """Users, found by e-mail address."""

    add_form = UserCreationForm
    list_display = ("email", "name", "is_staff", "is_active", "date_joined")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    inlines = (AddressInline,)
    fieldsets = (
        (None, {"fields": ("email", "password", "name")}),
        (_("Permissions"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)
