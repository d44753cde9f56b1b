# One image for both services; the command decides: web (default) or worker.
FROM python:3.11.14-slim-bookworm

ARG UV_TORCH_BACKEND=""
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_MMAP_THRESHOLD_=4000000000 \
    MALLOC_TRIM_THRESHOLD_=4000000000 \
    PATH=/opt/venv/bin:$PATH \
    MERONYM_HOME=/home/meronym/var

RUN useradd --create-home --uid 1000 meronym
WORKDIR /home/meronym/app

COPY requirements.in requirements.txt ./
# UV_TORCH_BACKEND=cpu makes a small image without CUDA; nothing set takes the wheels that also run on NVIDIA GPUs.
RUN python -m venv /opt/venv \
    && pip install --no-cache-dir uv==0.13.8 \
    && if [ -z "$UV_TORCH_BACKEND" ]; then unset UV_TORCH_BACKEND; fi \
    && uv pip install --no-cache --python /opt/venv/bin/python -r requirements.in -c requirements.txt

COPY --chown=meronym:meronym . .
RUN mkdir -p /home/meronym/var && chown meronym:meronym /home/meronym/var
USER 1000
VOLUME /home/meronym/var

EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 8000), 4).close()"]
# Errors only: the warning about a malformed request holds the visitor's address. There is no log of accesses;
# GUNICORN_CMD_ARGS=--access-logfile=- asks for one, which holds neither addresses nor query strings.
CMD ["gunicorn", "studyproject.wsgi:application", "--bind=0.0.0.0:8000", "--workers=2", "--threads=8", "--no-control-socket", "--log-level=error", "--access-logformat=%(m)s %(U)s %(s)s %(M)s ms"]
