# From nothing to generated text:
#
#   docker build -t sherry .
#   docker run --rm sherry sherry-run shakespeare.so -p "First Citizen:" -n 100
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates ccache git
COPY . /sherry
WORKDIR /sherry
RUN scripts/demo
ENV PATH=/sherry/build/release/bin:$PATH
WORKDIR /sherry/build/release
CMD ["sherry-run", "shakespeare.so", "-p", "First Citizen:", "-n", "200", "--temp", "0.8"]
