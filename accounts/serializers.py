"""What accounts take and give over the API."""

from rest_framework import serializers


class CredentialsSerializer(serializers.Serializer):  # type: ignore[type-arg]  # it makes no instances
    """An e-mail address and a password."""

    email = serializers.CharField(max_length=254, trim_whitespace=True)
    password = serializers.CharField(max_length=1000, trim_whitespace=False, write_only=True)


class AccountSerializer(serializers.Serializer):  # type: ignore[type-arg]  # it makes no instances
    """Who is logged in."""

    id = serializers.IntegerField(source="user_id")
    email = serializers.EmailField()


class SessionSerializer(serializers.Serializer):  # type: ignore[type-arg]  # it makes no instances
    """A token and whose it is."""

    token = serializers.CharField()
    expiry = serializers.DateTimeField(allow_null=True)
    user = AccountSerializer(source="account")


class UnconfirmedSerializer(serializers.Serializer):  # type: ignore[type-arg]  # it makes no instances
    """An account that waits for its e-mail address to be confirmed."""

    detail = serializers.CharField()
