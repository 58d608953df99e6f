# One image for every process of the shop; compose.yaml says which container runs which.
FROM python:3.11-slim-bookworm AS packages
COPY requirements.txt /tmp/requirements.txt
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements.txt

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BIND=0.0.0.0:8000 \
    PROMETHEUS_MULTIPROC_DIR=/run/metrics
RUN useradd --system --uid 10001 --create-home shop \
    && install -d -o shop -g shop /app /app/.local /app/.local/media /run/metrics
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY --chown=shop:shop . .
USER 10001
# Settings are read to know where static files go; none of the example's values stays in the image.
RUN sh tools/in-production.sh python manage.py collectstatic --no-input --verbosity 0
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "deploy/health_check.py"]
CMD ["gunicorn", "--config", "ecommerce/gunicorn_conf.py", "ecommerce.wsgi"]
