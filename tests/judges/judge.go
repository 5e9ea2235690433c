// A server and a client with Go's net/http, for the cases of cases.py.
//
//	judge server ADDRESS PEM KEY
//	judge client http1|http2 NAME CA     the requests stand in standard input
package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

type pair [2]string

type request struct {
	Name     string `json:"name"`
	Method   string `json:"method"`
	Target   string `json:"target"`
	Fields   []pair `json:"fields"`
	Body     *int   `json:"body"`
	Streamed bool   `json:"streamed"`
}

type answer struct {
	Name     string `json:"name"`
	Status   int    `json:"status"`
	Fields   []pair `json:"fields"`
	Trailers []pair `json:"trailers"`
	Length   int    `json:"length"`
	Sha256   string `json:"sha256"`
	Version  string `json:"version"`
	Body     string `json:"body,omitempty"`
}

type asked struct {
	Number   int64  `json:"number"`
	Method   string `json:"method"`
	Target   string `json:"target"`
	Fields   []pair `json:"fields"`
	Length   int    `json:"length"`
	Sha256   string `json:"sha256"`
	Trailers []pair `json:"trailers"`
	Version  string `json:"version"`
}

func pairsOf(header http.Header) []pair {
	pairs := []pair{}
	for name, values := range header {
		for _, value := range values {
			pairs = append(pairs, pair{strings.ToLower(name), value})
		}
	}
	sort.Slice(pairs, func(i, j int) bool {
		return pairs[i][0]+"\x00"+pairs[i][1] < pairs[j][0]+"\x00"+pairs[j][1]
	})
	return pairs
}

func bodyOf(length int) []byte {
	return bytes.Repeat([]byte("0123456789abcdef"), length/16+1)[:length]
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// JSON has no bytes: each becomes the character of its number.
func latin(text string) string {
	runes := make([]rune, 0, len(text))
	for i := 0; i < len(text); i++ {
		runes = append(runes, rune(text[i]))
	}
	return string(runes)
}

func latinPairs(pairs []pair) []pair {
	for i := range pairs {
		pairs[i][0], pairs[i][1] = latin(pairs[i][0]), latin(pairs[i][1])
	}
	return pairs
}

// Of requests: one that nobody sent would show.
var count int64

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	number := atomic.AddInt64(&count, 1)
	fields := append(pairsOf(r.Header), pair{"host", r.Host})
	if len(r.TransferEncoding) == 0 && r.ContentLength >= 0 {
		fields = append(fields, pair{"content-length", strconv.FormatInt(r.ContentLength, 10)})
	}
	text, err := json.Marshal(asked{number, r.Method, latin(r.RequestURI), latinPairs(fields),
		len(body), fmt.Sprintf("%x", sha256.Sum256(body)), latinPairs(pairsOf(r.Trailer)), r.Proto})
	must(err)
	w.Header().Set("content-type", "application/json")
	w.Header().Set("content-length", strconv.Itoa(len(text)))
	w.Write(text)
}

func stream(w http.ResponseWriter, kind string, parts ...string) {
	w.Header().Set("content-type", kind)
	for _, part := range parts {
		io.WriteString(w, part)
		w.(http.Flusher).Flush()
	}
}

func sendBytes(w http.ResponseWriter, r *http.Request, text string) {
	length, err := strconv.Atoi(text)
	must(err)
	w.Header().Set("content-type", "application/octet-stream")
	w.Header().Set("content-length", text)
	if r.Method != http.MethodHead {
		w.Write(bodyOf(length))
	}
}

func serve(w http.ResponseWriter, r *http.Request) {
	path := strings.SplitN(r.RequestURI, "?", 2)[0]
	header := w.Header()
	switch {
	case strings.HasPrefix(path, "/bytes/"):
		sendBytes(w, r, strings.TrimPrefix(path, "/bytes/"))
	case path == "/chunked":
		stream(w, "text/plain", "one\n", "two\n", "three\n")
	case path == "/events":
		stream(w, "text/event-stream", "data: 0\n\n", "data: 1\n\n", "data: 2\n\n", "data: 3\n\n",
			"data: 4\n\n")
	case path == "/empty":
		w.WriteHeader(http.StatusNoContent)
	case path == "/missing":
		header.Set("content-type", "text/plain")
		header.Set("content-length", "8")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "missing\n")
	case path == "/moved":
		header.Set("location", "/echo?moved")
		header.Set("content-length", "0")
		w.WriteHeader(http.StatusFound)
	case path == "/cookies":
		header.Add("set-cookie", "a=1; Path=/")
		header.Add("set-cookie", "b=2; Secure; HttpOnly")
	case path == "/etag":
		header.Set("etag", `"judge"`)
		if r.Header.Get("if-none-match") == `"judge"` {
			w.WriteHeader(http.StatusNotModified)
		} else {
			io.WriteString(w, "tag")
		}
	case path == "/gzip":
		data, err := base64.StdEncoding.DecodeString("H4sIAAAAAAACA8tIzcnJ5wIAIDA6NgYAAAA=")
		must(err)
		header.Set("content-encoding", "gzip")
		header.Set("content-type", "text/plain")
		w.Write(data)
	case path == "/trailers":
		header.Set("trailer", "x-sum")
		stream(w, "text/plain", "body\n")
		header.Set("x-sum", "42")
	case path == "/early":
		header.Set("link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		header.Del("link")
		io.WriteString(w, "early\n")
	default:
		echo(w, r)
	}
}

func ask(client *http.Client, name string, one request) answer {
	var body io.Reader
	if one.Body != nil {
		body = bytes.NewReader(bodyOf(*one.Body))
		if one.Streamed {
			body = io.MultiReader(body)
		}
	}
	r, err := http.NewRequest(one.Method, "https://"+name+one.Target, body)
	must(err)
	for _, field := range one.Fields {
		r.Header.Add(field[0], field[1])
	}
	response, err := client.Do(r)
	must(err)
	data, err := io.ReadAll(response.Body)
	must(err)
	response.Body.Close()
	seen := answer{Name: one.Name, Status: response.StatusCode, Fields: pairsOf(response.Header),
		Trailers: pairsOf(response.Trailer), Length: len(data),
		Sha256: fmt.Sprintf("%x", sha256.Sum256(data)), Version: response.Proto}
	if response.ContentLength >= 0 && response.Header.Get("content-length") == "" {
		seen.Fields = append(seen.Fields,
			pair{"content-length", strconv.FormatInt(response.ContentLength, 10)})
	}
	if len(data) < 65536 {
		seen.Body = string(data)
	}
	return seen
}

func askAll(version, name, authority string) {
	pem, err := os.ReadFile(authority)
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{
		TLSClientConfig:    &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2:  version == "http2",
		DisableCompression: true,
	}
	client := &http.Client{Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var cases []request
	must(json.NewDecoder(os.Stdin).Decode(&cases))
	answers := []answer{}
	for _, one := range cases {
		answers = append(answers, ask(client, name, one))
	}
	must(json.NewEncoder(os.Stdout).Encode(answers))
}

func main() {
	if os.Args[1] == "client" {
		askAll(os.Args[2], os.Args[3], os.Args[4])
		return
	}
	server := &http.Server{Addr: os.Args[2] + ":443", Handler: http.HandlerFunc(serve),
		ErrorLog: log.New(io.Discard, "", 0)}
	must(server.ListenAndServeTLS(os.Args[3], os.Args[4]))
}
