FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /studiokeeper ./cmd/studiokeeper

# distroless/static brings CA certificates and time zones, and no shell.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /studiokeeper /usr/local/bin/studiokeeper
USER 65532:65532
EXPOSE 9464
ENTRYPOINT ["/usr/local/bin/studiokeeper"]
CMD ["run"]
