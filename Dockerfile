# Two images from one file: Airflow without Spark, and Spark without Airflow.
#   docker build --target airflow .      docker build --target spark .
# Requirements come before code, so an edited job or DAG rebuilds in seconds.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS base
ENV LANG=C.UTF-8 TZ=UTC HOME=/tmp PYTHONUNBUFFERED=1 LAKEHOUSE_HOME=/opt/lakehouse/lake
# One uid for both images, for both write into the lake; 50000:0 as in Airflow's own image. The folders
# below become volumes, which take over owner and mode.
RUN useradd --uid 50000 --gid 0 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin airflow \
 && install -d -o 50000 -g 0 -m 0750 /opt/lakehouse/lake /secrets/database /secrets/api /secrets/spark /secrets/login
WORKDIR /opt/lakehouse
COPY docker/make-venv requirements/tools.txt /opt/build/

FROM base AS airflow
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends curl >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY requirements/airflow.txt requirements/postgres.txt /opt/build/
RUN /opt/build/make-venv /opt/venvs/airflow airflow.txt postgres.txt
COPY requirements/client.txt /opt/build/
RUN /opt/build/make-venv /opt/venvs/jobs client.txt
# An empty airflow.cfg: every setting comes from the environment, none from a generated file.
RUN install -d -o 50000 -g 0 -m 0750 /opt/airflow/logs && touch /opt/airflow/airflow.cfg
ENV PATH=/opt/venvs/airflow/bin:$PATH \
    PYTHONPATH=/opt/lakehouse \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/lakehouse/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/lakehouse/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=false \
    GX_ANALYTICS_ENABLED=false \
    LAKEHOUSE_JOBS_PYTHON=/opt/venvs/jobs/bin/python
COPY docker/make-secrets docker/airflow-health docker/airflow-cleanup docker/jobs /usr/local/bin/
COPY catalog /opt/lakehouse/catalog
COPY expectations /opt/lakehouse/expectations
COPY jobs /opt/lakehouse/jobs
COPY queries /opt/lakehouse/queries
COPY plugins /opt/lakehouse/plugins
COPY serving /opt/lakehouse/serving
COPY workspace /opt/lakehouse/workspace
COPY dags /opt/lakehouse/dags
RUN python -m compileall -q /opt/lakehouse
USER 50000:0
ENTRYPOINT ["airflow"]

FROM base AS spark
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY requirements/server.txt /opt/build/
RUN /opt/build/make-venv /opt/venvs/spark server.txt
ENV PATH=/opt/venvs/spark/bin:$PATH
COPY spark/fetch_jars.py spark/jars.sha256 /opt/lakehouse/spark/
RUN python spark/fetch_jars.py >/dev/null
COPY docker/spark-entrypoint /usr/local/bin/
COPY spark /opt/lakehouse/spark
RUN install -d -o 50000 -g 0 -m 0750 /var/tmp/spark
ENV SPARK_CONNECT_HOST=0.0.0.0 SPARK_LOCAL_DIRS=/var/tmp/spark
USER 50000:0
ENTRYPOINT ["spark-entrypoint"]
