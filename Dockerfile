# syntax=docker/dockerfile:1
#
# The image for whoever has a container engine. `npm run image` makes the same without one, and
# test/unit/scripts/dockerfile.test.ts holds the two together; docs/adr/0012 says why there are two.
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag registry.example.com/kuik:0.1.0 --push .

ARG NODE_VERSION=24.21.0

# The packages are JavaScript alone: one stage serves every architecture.
FROM --platform=$BUILDPLATFORM node:${NODE_VERSION}-bookworm-slim AS packages
WORKDIR /opt/kuik
COPY package.json package-lock.json ./
# What npm ci installs is what the lock file's checksums say; no script of a package runs.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
 && rm -r node_modules/.bin node_modules/.package-lock.json

FROM node:${NODE_VERSION}-bookworm-slim AS node

# The C library and what Node is linked with; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/LICENSE /usr/share/doc/node/LICENSE
COPY --from=packages /opt/kuik/node_modules /opt/kuik/node_modules
COPY package.json LICENSE /opt/kuik/
COPY src /opt/kuik/src
# Its first line has the flags of Node (docs/adr/0007).
COPY --chmod=0755 scripts/image/kuik /usr/local/bin/kuik
ENV PATH=/usr/local/bin:/usr/bin:/bin NODE_ENV=production
# A number, so that `runAsNonRoot` can be checked; nothing in the image belongs to this user.
USER 65532:65532
WORKDIR /opt/kuik
ENTRYPOINT ["/usr/local/bin/kuik"]
CMD ["operator"]
