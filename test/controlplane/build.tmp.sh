mkdir -p /tmp/kuik-bin
X=k8s.io/component-base/version
time CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X $X.gitVersion=v1.34.4 -X $X.gitMajor=1 -X $X.gitMinor=34" -o /tmp/kuik-bin/ tool
