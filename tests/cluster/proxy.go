package cluster

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/url"
	"sync"
)

// Fault is what a [Proxy] does to a connection.
type Fault int

// The faults.
const (
	CutBefore Fault = iota + 1 // the connection ends before the server hears what was said
	CutAfter                   // the connection ends when the server has answered; nobody hears the answer
	Swallow                    // nothing gets through any more in either direction, and nobody is told
	Pooler                     // the server has another number, as behind a program that hands out its connections
)

// Proxy stands between a program and a server and breaks connections at a certain moment. It is safe for concurrent use.
type Proxy struct {
	URL string // where it answers, for the same user and database

	target   string
	listener net.Listener
	done     sync.WaitGroup

	mu    sync.Mutex
	text  []byte
	fault Fault
	left  int           // how often the fault still happens
	hit   chan struct{} // closed when it has happened for the last time
	dark  bool          // nothing gets through on any connection
	away  bool          // no connection can be made
	open  map[net.Conn]bool
}

// NewProxy makes a proxy before the server of an address. It ends with the test.
func NewProxy(t T, address string) *Proxy {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the address of the server cannot be read")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("make a proxy: %v", err)
	}
	p := &Proxy{target: u.Host, listener: listener, open: map[net.Conn]bool{}}
	u.Host = listener.Addr().String()
	p.URL = u.String()
	p.done.Go(p.serve)
	t.Cleanup(func() {
		listener.Close()
		p.CutAll()
		p.done.Wait()
	})
	return p
}

// On makes a fault happen the next so many times that a client says the text. The channel is closed after the last.
func (p *Proxy) On(text string, fault Fault, times int) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.fault, p.left, p.hit = []byte(text), fault, times, make(chan struct{})
	return p.hit
}

// Dark lets nothing through on any connection, new ones included, and tells nobody; or ends that. What was lost stays
// lost.
func (p *Proxy) Dark(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dark = on
}

// Refuse ends all connections and refuses new ones, or stops doing so.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	p.away = on
	p.mu.Unlock()
	if on {
		p.CutAll()
	}
}

// CutAll ends all connections.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		conn.Close()
	}
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		away := p.away
		p.open[client], p.open[server] = true, true
		p.mu.Unlock()
		if away {
			client.Close() // and with it the other half, when nothing can be read from it
		}
		l := &link{proxy: p, client: client, server: server}
		p.done.Go(func() { l.up() })
		p.done.Go(func() { l.down() })
	}
}

// happens reports which fault what a client says sets off.
func (p *Proxy) happens(said []byte) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == 0 || p.fault == Pooler || !bytes.Contains(said, p.text) {
		return 0
	}
	p.left--
	if p.left == 0 {
		close(p.hit)
	}
	return p.fault
}

// link is one connection through the proxy.
type link struct {
	proxy          *Proxy
	client, server net.Conn

	mu    sync.Mutex
	fault Fault
}

func (l *link) broken() Fault {
	l.proxy.mu.Lock()
	dark := l.proxy.dark
	l.proxy.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if dark {
		l.fault = Swallow
	}
	return l.fault
}

func (l *link) cut() {
	l.client.Close()
	l.server.Close()
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	delete(l.proxy.open, l.client)
	delete(l.proxy.open, l.server)
}

// up carries what the client says.
func (l *link) up() {
	defer l.cut()
	buffer := make([]byte, 64<<10)
	for {
		n, err := l.client.Read(buffer)
		if err != nil {
			return
		}
		fault := l.proxy.happens(buffer[:n])
		if fault != 0 {
			l.mu.Lock()
			l.fault = fault
			l.mu.Unlock()
		}
		switch {
		case fault == CutBefore:
			return
		case l.broken() == Swallow:
			continue
		}
		if _, err := l.server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// down carries what the server answers.
func (l *link) down() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := l.server.Read(buffer)
		if err != nil {
			if l.broken() != Swallow {
				l.client.Close()
			}
			return
		}
		switch l.broken() {
		case CutAfter:
			l.client.Close()
			return
		case Swallow:
			continue
		}
		answer := buffer[:n]
		if l.proxy.pools() {
			renumber(answer)
		}
		if _, err := l.client.Write(answer); err != nil {
			return
		}
	}
}

func (p *Proxy) pools() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault == Pooler
}

// renumber changes the number of the server's process in the greeting: the message K with 12 bytes.
func renumber(answer []byte) {
	at := bytes.Index(answer, []byte{'K', 0, 0, 0, 12})
	if at >= 0 && at+9 <= len(answer) {
		binary.BigEndian.PutUint32(answer[at+5:], 1)
	}
}
