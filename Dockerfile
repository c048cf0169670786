# The ledger of `make run` in a container, for trying it and for tests: docs/docker.md.
# A deployment is on AWS: docs/deploying.md.
FROM python:3.13-slim-trixie

WORKDIR /app
ENV HOME=/data \
    PYTHONUNBUFFERED=1 \
    TWOFOLD_HOME=/data

COPY requirements-run.txt ./
# The user is a number, so that a cluster can see that it is not root.
RUN install --directory --owner=10001 --group=10001 /data \
    && pip install --no-cache-dir --require-hashes --requirement requirements-run.txt

COPY app.py pyproject.toml ./
COPY .chalice/config.json .chalice/
COPY chalicelib chalicelib
COPY clients/python clients/python
COPY ops ops
COPY simulator simulator
RUN pip install --no-cache-dir --no-deps --no-build-isolation \
    --editable clients/python --editable .

USER 10001:10001
VOLUME /data
EXPOSE 8000

HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=3)"]

# Without Chalice's reloader this is one process, which saves the data when it is stopped.
CMD ["chalice", "local", "--host", "0.0.0.0", "--port", "8000", "--no-autoreload"]
