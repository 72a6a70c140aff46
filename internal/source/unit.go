package source

import (
	"go/ast"
	"go/token"
	"go/types"
)

// unit is a piece of code that is hashed as a whole.
type unit struct {
	key    string // unique in the program; empty for what has no name and runs at the start: naming gives it one
	pkg    *pkg
	node   ast.Node
	outer  ast.Node // for a part of a function: the function, so that locals are told from globals
	isInit bool     // runs while the package is initialised, unasked
	facts
}

// facts are what a unit's code says, found in one walk.
type facts struct {
	sum     [32]byte
	uses    []types.Object // of packages: functions, methods, types, variables that it names
	runs    []types.Object // those of uses that may run when the unit does
	live    []types.Type   // converted to interfaces, or chosen for type parameters
	touches []touch        // of package variables
	self    []touch        // of a function's parameters and receiver
	outside map[string]bool
	tells   map[string]bool         // packages outside that it may tell something when it runs
	calls   bool                    // a variable's initialiser calls something
	embeds  []string                // patterns
	asm     bool                    // is written in assembly
	aliases map[types.Object][]root // locals that lead to the same as something global
	sites   []site
	wants   []string // unexported methods that interfaces in it ask for
	troubles
}

// troubles are what the analysis can't see through.
type troubles []trouble

type trouble struct {
	pos  token.Pos
	text string
}

func (t *troubles) add(pos token.Pos, text string) { *t = append(*t, trouble{pos, text}) }

// touch is what a unit does to a variable: to one that it names, or to those that a function gives access to.
type touch struct {
	of       *types.Var
	through  *types.Func // in place of of: the function whose result it is done to
	how      how
	method   *types.Func // how is, or is at least, what this function does to what it is given
	param    *types.Var  // as which parameter, or receiver, it is given; nil for a method of an interface
	next     *touch      // what is done to the method's result, if that is a part of the receiver
	returned bool        // the unit gives access to it by what it returns
}

// root is what an expression is a part of: a variable, or what a function returns.
type root struct {
	v *types.Var
	f *types.Func
}

// how is what happens to a variable or to what it leads to, from harmless to sure.
type how uint8

const (
	reads  how = iota
	lends      // it is handed to code that could change what it leads to
	alters     // it is changed
)

// site is a call that registers a function, or tries to.
type site struct {
	call *ast.CallExpr
	reg  registrar
	what string // "muster.Func"
	in   *unit
}
