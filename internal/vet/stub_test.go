package vet_test

import (
	"fmt"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/tools/go/packages"
)

const musterPath = "github.com/musterrun/muster"

// ahead is what the stub has before the real package does.
var ahead = []string{"Cached"}

// TestStub holds the signatures under testdata to those of the real package, so that the checks are tested against what
// users write.
func TestStub(t *testing.T) {
	gopath, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	stub := typesOf(t, gopath, "GOPATH="+gopath, "GO111MODULE=off", "GOWORK=off", "GOFLAGS=").Scope()
	public := typesOf(t, ".").Scope()
	for _, name := range stub.Names() {
		want := public.Lookup(name)
		if !stub.Lookup(name).Exported() || want == nil && slices.Contains(ahead, name) {
			continue
		}
		if want == nil {
			t.Errorf("the real package has no %s", name)
			continue
		}
		same(t, name, stub.Lookup(name).Type(), want.Type())
		compareMethods(t, name, stub.Lookup(name), want)
	}
}

// typesOf loads package muster as the go command with that environment finds it.
func typesOf(t *testing.T, dir string, env ...string) *types.Package {
	t.Helper()
	cfg := &packages.Config{Mode: packages.LoadTypes, Dir: dir, Env: append(os.Environ(), env...)}
	pkgs, err := packages.Load(cfg, musterPath)
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs) != 1 || len(pkgs[0].Errors) > 0 {
		t.Fatal(pkgs, pkgs[0].Errors)
	}
	return pkgs[0].Types
}

// same compares two signatures; of types only whether both are, since the stub's are empty.
func same(t *testing.T, name string, stub, public types.Type) {
	t.Helper()
	if got, want := signature(stub), signature(public); got != want {
		t.Errorf("%s is\n\t%s, really\n\t%s", name, got, want)
	}
}

// signature is a function's type without the names of parameters and results; "" for any other type.
func signature(t types.Type) string {
	sig, ok := t.(*types.Signature)
	if !ok {
		return ""
	}
	bare := func(vars *types.Tuple) *types.Tuple {
		var out []*types.Var
		for v := range vars.Variables() {
			out = append(out, types.NewParam(v.Pos(), v.Pkg(), "", v.Type()))
		}
		return types.NewTuple(out...)
	}
	var of []string
	for p := range sig.TypeParams().TypeParams() {
		of = append(of, p.Obj().Name()+" "+types.TypeString(p.Constraint(), (*types.Package).Name))
	}
	plain := types.NewSignatureType(nil, nil, nil, bare(sig.Params()), bare(sig.Results()), sig.Variadic())
	return fmt.Sprint(of, types.TypeString(plain, (*types.Package).Name))
}

// compareMethods compares methods, and the names of fields.
func compareMethods(t *testing.T, name string, stub, public types.Object) {
	t.Helper()
	if s, ok := stub.Type().Underlying().(*types.Struct); ok {
		for f := range s.Fields() {
			if v, _, _ := types.LookupFieldOrMethod(public.Type(), true, public.Pkg(), f.Name()); v == nil {
				t.Errorf("the real %s has no field %s", name, f.Name())
			}
		}
	}
	for method := range methods(stub.Type()) {
		m, _, _ := types.LookupFieldOrMethod(types.NewPointer(public.Type()), true, public.Pkg(), method.Name())
		if m == nil {
			t.Errorf("the real %s has no method %s", name, method.Name())
			continue
		}
		same(t, name+"."+method.Name(), method.Type(), m.Type())
	}
}

func methods(t types.Type) func(yield func(*types.Func) bool) {
	named, ok := t.(*types.Named)
	if !ok {
		return func(func(*types.Func) bool) {}
	}
	return named.Methods()
}
