package sim_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/sim"
)

// jsonNumber writes a number as a JWT holds it.
func jsonNumber(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

func TestControl(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	w.check([]step{
		{"fault", ask{Method: "PUT", Path: "/sim/faults/logware", Body: "500 next=1\n\nhtml path=/x\n", Type: "text/plain"}, got{204, ""}},
		{"works", whoami(sim.Logware, ""), got{500, `{"message":"Internal server error"}`}},
		{"behave", ask{Method: "DELETE", Path: "/sim/faults/logware"}, got{204, ""}},
		{"works", ask{Method: "GET", Path: "/logware/x"}, got{404, `{"message":"Not found."}`}},
		{"no such API", ask{Method: "PUT", Path: "/sim/faults/x", Body: "500"}, got{400,
			"no API is called \"x\": there are logware, zumrails, zumrails-production, analogue, datarhei-core, haut-ai, rotating\n"}},
		{"no body", ask{Method: "PUT", Path: "/sim/faults/logware"}, got{400,
			"the body names no fault; DELETE makes the API behave again\n"}},
		{"bad fault", ask{Method: "PUT", Path: "/sim/faults/logware", Body: "slow"}, got{400,
			"fault \"slow\": time: invalid duration \"\"; write slow:DURATION\n"}},
		{"lifetime", ask{Method: "PUT", Path: "/sim/lifetimes/datarhei-core", Body: "90s\n"}, got{204, ""}},
		{"bad lifetime", ask{Method: "PUT", Path: "/sim/lifetimes/logware", Body: "0s"}, got{400, "lifetime 0s of logware is less than a second\n"}},
		{"no lifetime", ask{Method: "PUT", Path: "/sim/lifetimes/logware", Body: "x"}, got{400, "time: invalid duration \"x\"\n"}},
		{"auth0", ask{Method: "POST", Path: "/sim/auth0"}, got{200, "T1\n"}},
		{"it works", ask{Method: "POST", Path: "/datarhei-core/api/login", Auth: "Bearer T1"}, got{200, `{"access_token":"T2","refresh_token":"T3"}`}},
		{"method", ask{Method: "POST", Path: "/sim/requests"}, got{405, "GET /sim/ tells what is here\n"}},
		{"path", ask{Method: "GET", Path: "/sim"}, got{404, "GET /sim/ tells what is here\n"}},
		{"root", ask{Method: "GET", Path: "/"}, got{404, "nothing is here; GET /sim/ tells what is\n"}},
		{"forget", ask{Method: "DELETE", Path: "/sim/requests"}, got{204, ""}},
		{"nothing asked", ask{Method: "GET", Path: "/sim/requests"}, got{200, "[]\n"}},
		{"ask", ask{Method: "POST", Path: "/zumrails/api/authorize?x=s3cr3t", Body: zumBody, Auth: "Bearer s3cr3t"}, got{200,
			`{"statusCode":200,"message":"POST Request successful.","isError":false,"result":{"Role":"API","Token":"T4","CustomerId":"ID",` +
				`"CompanyName":"Test Company Inc.","CustomerType":"Customer","Username":"sandbox-api-user"}}`}},
		{"what was asked", ask{Method: "GET", Path: "/sim/requests"}, got{200, `[
  {
    "time": "2026-01-02T12:00:00Z",
    "api": "zumrails",
    "method": "POST",
    "path": "/api/authorize?x=…",
    "header": {
      "Accept-Encoding": "gzip",
      "Authorization": "Bearer [redacted]",
      "Connection": "[redacted]",
      "Content-Length": "62",
      "Content-Type": "application/json",
      "User-Agent": "Go-http-client/1.1"
    },
    "body_bytes": 62,
    "status": 200
  }
]
`}},
	})
	if exi := jwtClaims(t, w.sim.Tokens()[1])["exi"]; exi != jsonNumber(90) {
		t.Errorf("exi %v after the lifetime was set to 90s", exi)
	}
}

func TestControlOverview(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	w.fault(sim.Analogue, "html next=3")
	var all struct {
		APIs []struct {
			Name, Title, Lifetime string
			BaseURL               string `json:"base_url"`
			Users                 []struct {
				Username, Password string
				MFA                bool
			}
			Paths, Faults []string
		}
		Control map[string]string
		Faults  []sim.FaultKind
	}
	answer := w.ask(ask{Method: "GET", Path: "/sim/"})
	if err := json.Unmarshal([]byte(answer.Body), &all); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sim.FaultKinds(), all.Faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	analogue := strings.Join([]string{all.APIs[3].Name, all.APIs[3].BaseURL, all.APIs[3].Lifetime}, " ")
	if diff := cmp.Diff("analogue BASE/analogue 1440h0m0s", analogue); diff != "" {
		t.Errorf("analogue (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"POST /api/users/login", "GET /api/whoami"}, all.APIs[3].Paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"html next=3"}, all.APIs[3].Faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if len(all.APIs) != 7 || len(all.Control) != 7 || !all.APIs[5].Users[1].MFA {
		t.Errorf("%+v", all)
	}
}
