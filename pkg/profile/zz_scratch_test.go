package profile_test
import ("testing";"os";"strings";"fmt";"errors"
"github.com/authctl/authctl/pkg/profile")
func TestScratch(t *testing.T){
 data,_:=os.ReadFile("/work/shared/language/mistakes.txt")
 for _,doc:=range strings.Split(string(data),"\n---\n"){
  fmt.Println("=====",strings.SplitN(doc,"\n",2)[0])
  c,err:=profile.Parse("m.yaml",[]byte(doc))
  show:=func(ps profile.Problems){for _,p:=range ps{fmt.Printf("  %d:%d %s\n      hint: %s\n",p.Pos.Line,p.Pos.Column,p.Text,p.Hint)}}
  if err!=nil{var ps profile.Problems; if errors.As(err,&ps){show(ps)}else{fmt.Println("ERR",err)};continue}
  _,ps,err:=c.Check("x")
  if err!=nil{fmt.Println("ERR",err);continue}
  show(ps)
 }
}
