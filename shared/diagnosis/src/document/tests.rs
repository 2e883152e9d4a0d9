//! Laws of patches and edits, over any JSON tree.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

/// Any tree, with few keys and values so that two of them have something in common, and keys that need escapes.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4).prop_map(Value::from),
        "[a-c/~\"\u{e9}]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-c/~0-1]{0,2}", inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A document with a list of statements and fields that no policy has.
fn policy() -> impl Strategy<Value = Value> {
    (prop::collection::vec(tree(), 1..5), tree(), tree()).prop_map(|(statements, id, unknown)| {
        json!({"Version": "2012-10-17", "Id": id, "Statement": statements, "Unknown": unknown})
    })
}

/// Every pointer of a tree, the root's `""` included.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), all);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                pointers(field, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        _ => {}
    }
}

fn statements(document: &Value) -> Vec<Value> {
    document["Statement"].as_array().unwrap().clone()
}

proptest! {
    #![proptest_config(sesame_testkit::laws::config(256))]

    #[test]
    fn a_patch_leads_from_before_to_after(before in prop::option::of(tree()), after in prop::option::of(tree())) {
        let patch = patch(before.as_ref(), after.as_ref());
        prop_assert_eq!(apply_patch(before.as_ref(), &patch).unwrap(), after.clone());
        prop_assert_eq!(patch == json!([]), before == after);
    }

    #[test]
    fn the_inverse_patch_leads_back(before in tree(), after in tree()) {
        let forward = patch(Some(&before), Some(&after));
        let there = apply_patch(Some(&before), &forward).unwrap();
        let back = patch(there.as_ref(), Some(&before));
        prop_assert_eq!(apply_patch(there.as_ref(), &back).unwrap(), Some(before));
    }

    #[test]
    fn equal_documents_have_equal_digests_and_no_diff(document in tree(), other in tree()) {
        let spelled: Value = serde_json::from_str(&pretty(&document)).unwrap();
        prop_assert_eq!(&spelled, &document, "the indented text is the same document");
        prop_assert_eq!(digest(&spelled), digest(&document));
        prop_assert_eq!(digest(&document) == digest(&other), document == other);
        prop_assert_eq!(diff(Some(&document), Some(&spelled)), "");
    }

    #[test]
    fn an_edit_with_what_is_there_changes_not_one_byte(document in tree()) {
        let mut all = Vec::new();
        pointers(&document, "", &mut all);
        for pointer in all {
            let present = document.pointer(&pointer).unwrap().clone();
            let replaced = replace_at(&document, &pointer, present.clone()).unwrap();
            prop_assert_eq!(compact(&replaced), compact(&document));
            if let Some(first) = present.as_array().and_then(|values| values.first()) {
                let appended = append_value(&document, &pointer, first.clone()).unwrap();
                prop_assert_eq!(compact(&appended), compact(&document));
            } else if !present.is_array() && !present.is_object() {
                let appended = append_value(&document, &pointer, present).unwrap();
                prop_assert_eq!(compact(&appended), compact(&document));
            }
        }
    }

    #[test]
    fn a_statement_added_and_removed_leaves_the_document_as_it_was(document in policy(), statement in tree()) {
        let added = add_statement(&document, statement.clone()).unwrap();
        let count = statements(&document).len();
        prop_assert_eq!(&added["Statement"][count], &statement);
        let removed = remove_statement(&added, &format!("/Statement/{count}")).unwrap();
        prop_assert_eq!(compact(&removed), compact(&document));
    }

    #[test]
    fn removing_a_statement_keeps_the_others(document in policy(), which in any::<prop::sample::Index>()) {
        let mut expected = statements(&document);
        let index = which.index(expected.len());
        let removed = remove_statement(&document, &format!("/Statement/{index}"));
        if expected.len() == 1 {
            prop_assert_eq!(removed, Err(EditError::OnlyStatement("/Statement/0".to_owned())));
        } else {
            expected.remove(index);
            let removed = removed.unwrap();
            prop_assert_eq!(statements(&removed), expected);
            prop_assert_eq!(compact(&removed["Unknown"]), compact(&document["Unknown"]));
            let operations = patch(Some(&document), Some(&removed));
            let repeated = statements(&document).windows(2).any(|pair| pair[0] == pair[1]);
            prop_assert!(repeated || operations.as_array().unwrap().len() == 1, "{}", operations);
        }
    }
}

#[test]
fn a_new_document_is_one_add_and_a_detached_one_is_one_remove() {
    let document = json!({"Version": "2012-10-17"});
    assert_eq!(patch(None, Some(&document)), json!([{"op": "add", "path": "", "value": document}]));
    assert_eq!(patch(Some(&document), None), json!([{"op": "remove", "path": ""}]));
    assert_eq!(patch(None, None), json!([]));
}

#[test]
fn an_edit_of_one_value_is_one_operation() {
    let before = json!({"Statement": [{"Sid": "A"}, {"Sid": "B", "Condition": {"StringEquals": {"a/b~c": "x"}}}]});
    let pointer = "/Statement/1/Condition/StringEquals/a~1b~0c";
    let after = append_value(&before, pointer, json!("y")).unwrap();
    assert_eq!(after.pointer(pointer), Some(&json!(["x", "y"])));
    assert_eq!(patch(Some(&before), Some(&after)), json!([{"op": "replace", "path": pointer, "value": ["x", "y"]}]));

    let longer = append_value(&after, pointer, json!("z")).unwrap();
    let add = json!([{"op": "add", "path": format!("{pointer}/2"), "value": "z"}]);
    assert_eq!(patch(Some(&after), Some(&longer)), add);
}

#[test]
fn a_single_statement_becomes_a_list() {
    let single = json!({"Statement": {"Sid": "A"}, "Id": "x"});
    let both = add_statement(&single, json!({"Sid": "B"})).unwrap();
    assert_eq!(both, json!({"Statement": [{"Sid": "A"}, {"Sid": "B"}], "Id": "x"}));
    assert_eq!(add_statement(&json!({}), json!({"Sid": "B"})).unwrap(), json!({"Statement": [{"Sid": "B"}]}));
    assert_eq!(remove_statement(&single, "/Statement"), Err(EditError::OnlyStatement("/Statement".to_owned())));
}

#[test]
fn an_edit_of_nothing_says_where() {
    let document = json!({"Statement": [{"Action": "ses:SendEmail", "Condition": {}}]});
    let missing = EditError::NotFound("/Statement/1/Action".to_owned());
    assert_eq!(missing.to_string(), "nothing at `/Statement/1/Action` in the document");
    assert_eq!(append_value(&document, "/Statement/1/Action", json!("x")), Err(missing.clone()));
    assert_eq!(replace_at(&document, "/Statement/1/Action", json!("x")), Err(missing));
    let condition = "/Statement/0/Condition".to_owned();
    assert_eq!(append_value(&document, &condition, json!("x")), Err(EditError::NotAList(condition)));
    for pointer in ["/Statement/1", "/Statement/00", "/Statement/+0", "/Statement", "/Id"] {
        assert_eq!(remove_statement(&document, pointer), Err(EditError::NotFound(pointer.to_owned())));
    }
    assert_eq!(add_statement(&json!([]), json!({})), Err(EditError::NotAnObject("/".to_owned())));
}

#[test]
fn a_patch_that_does_not_fit_is_refused() {
    let remove = json!([{"op": "remove", "path": "/Id"}]);
    assert!(matches!(apply_patch(Some(&json!({})), &remove), Err(PatchError::DoesNotApply(_))));
    assert!(matches!(apply_patch(None, &remove), Err(PatchError::DoesNotApply(_))));
    assert!(matches!(apply_patch(None, &json!([{"op": "remove", "path": ""}])), Err(PatchError::DoesNotApply(_))));
    assert!(matches!(apply_patch(None, &json!({"op": "add"})), Err(PatchError::Malformed(_))));
    let fails_its_test = json!([{"op": "test", "path": "/Id", "value": "a"}]);
    assert!(apply_patch(Some(&json!({"Id": "b"})), &fails_its_test).is_err());
}

#[test]
fn a_diff_shows_the_lines_around_the_change() {
    let before = json!({"Version": "2012-10-17", "Statement": [{"Action": ["a", "b"], "Resource": "*"}]});
    let after = append_value(&before, "/Statement/0/Action", json!("c\u{202e}")).unwrap();
    assert_eq!(
        diff(Some(&before), Some(&after)),
        r#"--- before
+++ after
@@ -4,7 +4,8 @@
     {
       "Action": [
         "a",
-        "b"
+        "b",
+        "c\u202e"
       ],
       "Resource": "*"
     }
"#
    );
    assert_eq!(diff(None, Some(&json!({}))), "--- before\n+++ after\n@@ -0,0 +1 @@\n+{}\n");
    assert_eq!(diff(Some(&json!({})), None), "--- before\n+++ after\n@@ -1 +0,0 @@\n-{}\n");
}

#[test]
fn a_sid_is_numbered_until_it_is_free() {
    let document = json!({"Statement": [{"Sid": "Sesame"}, {"Sid": "Sesame2"}, {}]});
    assert_eq!(unused_sid(&document, "Sesame"), "Sesame3");
    assert_eq!(unused_sid(&document, "Other"), "Other");
    assert_eq!(unused_sid(&json!({"Statement": {"Sid": "Sesame"}}), "Sesame"), "Sesame2");
    assert_eq!(unused_sid(&json!(null), "Sesame"), "Sesame");
}
