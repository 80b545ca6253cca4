FROM node:24.21-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Without scripts: one of them would fetch a second Node, which only machines without this image need.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
# docker build --build-arg COMMIT=$(git rev-parse HEAD): the image has no git to ask.
ARG COMMIT=
RUN npm run build && echo "$COMMIT" > dist/commit && npm prune --omit=dev --ignore-scripts

FROM node:24.21-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE ./
COPY schemas schemas
COPY config config
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY src/observe/page src/observe/page
# By its number, for Kubernetes cannot tell whether a name is root. It owns no file, and needs to write none.
USER 1000:1000
# From outside a container its own 127.0.0.1, the default, cannot be reached.
ENV HTTP_HOST=0.0.0.0 HTTP_PORT=9464
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.HTTP_PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1))"]
# The options of src/main.ts, for nobody reads its first line here; and what Node may read: itself, settings, secrets.
ENTRYPOINT ["node", "--disable-warning=TimeoutNegativeWarning", "--max-semi-space-size=16", \
  "--permission", "--allow-worker", "--disable-warning=PERM0006", "--allow-fs-read=/app", "--allow-fs-read=/proc/self", \
  "--allow-fs-read=/config", "--allow-fs-read=/run/secrets", "dist/main.js"]
CMD ["run"]
