package jq_test
import ("testing";"context";"fmt";"time";"runtime";"os";"strings";"encoding/json"
"github.com/authctl/authctl/pkg/jq")
func rss() string { d,_:=os.ReadFile("/proc/self/status"); for _,l:=range strings.Split(string(d),"\n"){ if strings.HasPrefix(l,"VmHWM"){return l}}; return ""}
func TestScratch(t *testing.T){
 var in any; json.Unmarshal([]byte(`{"a":1,"tok":"SECRETVAL"}`),&in)
 e:=os.Getenv("EXPR")
 for _,x:=range strings.Split(e,"@@"){
 s:=time.Now(); var m0,m1 runtime.MemStats; runtime.ReadMemStats(&m0)
 v,err:=jq.First(context.Background(),x,jq.Input{Value:in,Vars:map[string]any{"token":"t"}})
 runtime.ReadMemStats(&m1)
 o:=fmt.Sprintf("%v",v); if len(o)>80{o=o[:80]}
 fmt.Printf("%-50s %v err=%v took=%v alloc=%dMB sys=%dMB %s\n",x,o,err,time.Since(s).Round(time.Millisecond),(m1.TotalAlloc-m0.TotalAlloc)>>20,m1.Sys>>20,rss())
 }
}
