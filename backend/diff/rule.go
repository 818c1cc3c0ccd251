package diff

// Rule is the code of what changed. Every rule has a text grade: what the text alone says about the risk, before the
// checks on the real rows. A rule without one is breaking.
type Rule string

// The rules.
const (
	FormatOnly         Rule = "format_only"
	EntityAddedRule    Rule = "entity_added"
	EntityRemovedRule  Rule = "entity_removed"
	EntityIDChanged    Rule = "entity_id_changed"
	EntityLabelled     Rule = "entity_labelled" // name, description
	VersionedChanged   Rule = "versioned_changed"
	BehaviourChanged   Rule = "behaviour_changed" // recursive, cacheable
	FieldAddedOptional Rule = "field_added_optional"
	FieldAddedRequired Rule = "field_added_required"
	FieldRemovedRule   Rule = "field_removed"
	FieldRenamedRule   Rule = "field_renamed"
	FieldLabelled      Rule = "field_labelled" // label, description
	DefaultChanged     Rule = "default_changed"
	OptionalToRequired Rule = "optional_to_required"
	RequiredToOptional Rule = "required_to_optional"
	UniqueAdded        Rule = "unique_added"
	UniqueDropped      Rule = "unique_dropped"
	IndexAdded         Rule = "index_added"
	IndexDropped       Rule = "index_dropped"
	TypeChanged        Rule = "type_changed"
	TypeWidened        Rule = "type_widened" // one kind of text becomes a freer one
	CardinalityRaised  Rule = "cardinality_raised"
	CardinalityLowered Rule = "cardinality_lowered"
	TargetChanged      Rule = "target_changed"
	ComponentChanged   Rule = "component_changed"
	ConfigAdded        Rule = "config_added"
	ConfigRemoved      Rule = "config_removed"
	ConfigIDChanged    Rule = "config_id_changed"
	ConfigLabelled     Rule = "config_labelled" // name, description, provider, version
	ConfigKeyAdded     Rule = "config_key_added"
	ConfigKeyRemoved   Rule = "config_key_removed"
	ConfigValueChanged Rule = "config_value_changed"
	ConfigValueJumped  Rule = "config_value_jumped" // a number moved by ten times or to zero
	ConfigTypeChanged  Rule = "config_type_changed"
	ConfigServiceKey   Rule = "config_service_key" // a service is reinitialised
	PlainTextSecret    Rule = "plain_text_secret"
	GenericAdded       Rule = "generic_added"
	GenericChanged     Rule = "generic_changed"
	GenericRemoved     Rule = "generic_removed"
	MostFilesVanished  Rule = "most_files_vanished"
	FileMoved          Rule = "file_moved"      // a content type goes on in another file
	ValuesReturned     Rule = "values_returned" // a rollback brings former values of a field back
	LiveTableMissing   Rule = "live_table_missing"
	LiveColumnMissing  Rule = "live_column_missing"
	LiveTypeDiffers    Rule = "live_type_differs"
	LiveAllowsEmpty    Rule = "live_allows_empty"
	LiveRefusesEmpty   Rule = "live_refuses_empty"
	LiveIndexDiffers   Rule = "live_index_differs"
	LiveUniqueDiffers  Rule = "live_unique_differs"
	OthersDepend       Rule = "others_depend"  // something of another program follows what is renamed, or stays on it
	ColumnsScarce      Rule = "columns_scarce" // a table has nearly all the columns that the database allows
	ValuesLost         Rule = "values_lost"    // what was out of use is not there any more
	UnknownRule        Rule = "unknown"
)

// TextCategory is what the text alone says about a rule: the first grade of a change.
func (r Rule) TextCategory() Category {
	switch r {
	case FormatOnly, EntityAddedRule, EntityLabelled, BehaviourChanged, FieldAddedOptional, FieldLabelled,
		DefaultChanged, RequiredToOptional, UniqueDropped, TypeWidened, IndexAdded, IndexDropped, ConfigAdded, ConfigLabelled,
		ConfigKeyAdded, ConfigValueChanged, GenericAdded, GenericChanged, LiveRefusesEmpty, LiveIndexDiffers:
		return Safe
	case OptionalToRequired, UniqueAdded, FieldRenamedRule, CardinalityRaised, VersionedChanged, ConfigValueJumped,
		ConfigServiceKey, PlainTextSecret, FileMoved, LiveTableMissing, LiveColumnMissing, LiveAllowsEmpty,
		LiveUniqueDiffers, OthersDepend, ColumnsScarce, ValuesLost, ValuesReturned:
		return Warning
	default:
		return Breaking // what the rules do not know is breaking
	}
}

// Removes reports whether a change under this rule takes something away. Nothing that removes is ever automatic.
func (r Rule) Removes() bool {
	switch r {
	case EntityRemovedRule, FieldRemovedRule, ConfigRemoved, ConfigKeyRemoved, GenericRemoved, MostFilesVanished,
		TypeChanged, CardinalityLowered, EntityIDChanged, ConfigIDChanged, ConfigTypeChanged:
		return true
	}
	return false
}
