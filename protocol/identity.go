package protocol

import "time"

// Operations on identities.
const (
	OpRenewIdentity  = "identity.renew"  // RenewIdentity → IdentityRenewed; all, for themselves
	OpListIdentities = "identity.ls"     // nothing → []IdentityInfo; admins
	OpDropIdentity   = "identity.revoke" // IdentityName → IdentityDropped; admins
)

// RenewIdentity asks for a new JWT for a key that has one.
type RenewIdentity struct {
	PublicKey string `json:"public_key"`
}

// IdentityRenewed is the new JWT. The connection goes on with the old one, which the next connect replaces.
type IdentityRenewed struct {
	JWT     string    `json:"jwt"`
	Expires time.Time `json:"expires"`
}

// IdentityDropped says what is left to do, for people; "" if nothing is.
type IdentityDropped struct {
	Note string `json:"note,omitempty"`
}

// IdentityName names all keys of a user or node.
type IdentityName struct {
	Name string `json:"name"`
}

// IdentityInfo is a key that may connect.
type IdentityInfo struct {
	Name      string    `json:"name"` // of the user or node
	Role      string    `json:"role"`
	User      string    `json:"user,omitempty"` // of a node: whose it is
	PublicKey string    `json:"public_key"`
	Host      string    `json:"host"` // where it was made, for people
	Issued    time.Time `json:"issued"`
	Expires   time.Time `json:"expires"`
}
