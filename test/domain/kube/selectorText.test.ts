import { describe, expect, it } from "@effect/vitest";
import { Result } from "effect";
import type { Labels } from "../../../src/domain/kube/selector.ts";
import {
  matchesRequirements,
  parseFieldSelector,
  parseLabelSelector,
} from "../../../src/domain/kube/selector.ts";

const requirement = (key: string, operator: string, ...values: ReadonlyArray<string>) => ({
  key,
  operator,
  values,
});

const field = (path: string, operator: string, value: string) => ({ path, operator, value });

/** What a selector's text says about labels; the text must parse. */
const textSelects = (text: string, labels: Labels): boolean =>
  matchesRequirements(Result.getOrThrow(parseLabelSelector(text)), labels);

describe("parseLabelSelector", () => {
  it.each([
    ["", []],
    [" \t\r\n", []],
    ["x", [requirement("x", "Exists")]],
    ["!x", [requirement("x", "DoesNotExist")]],
    ["! x", [requirement("x", "DoesNotExist")]],
    ["x,!y", [requirement("x", "Exists"), requirement("y", "DoesNotExist")]],
    ["x=a", [requirement("x", "In", "a")]],
    ["x==a", [requirement("x", "In", "a")]],
    ["x!=a", [requirement("x", "NotIn", "a")]],
    ["x=", [requirement("x", "In", "")]],
    ["x= ,z= ", [requirement("x", "In", ""), requirement("z", "In", "")]],
    ["x!=", [requirement("x", "NotIn", "")]],
    [" x =\ta , y != b", [requirement("x", "In", "a"), requirement("y", "NotIn", "b")]],
    ["x in (a)", [requirement("x", "In", "a")]],
    ["x in(a,b)", [requirement("x", "In", "a", "b")]],
    ["x  in ( b , a , b )", [requirement("x", "In", "a", "b")]],
    ["x notin (a),y", [requirement("x", "NotIn", "a"), requirement("y", "Exists")]],
    ["x in ()", [requirement("x", "In", "")]],
    ["x in (,a)", [requirement("x", "In", "", "a")]],
    ["x in (a,)", [requirement("x", "In", "", "a")]],
    ["x in (,)", [requirement("x", "In", "")]],
    ["x in (a,,b)", [requirement("x", "In", "", "a", "b")]],
    ["x notin ()", [requirement("x", "NotIn", "")]],
    ["x>1", [requirement("x", "Gt", "1")]],
    ["x < 7", [requirement("x", "Lt", "7")]],
    ["in in (in,notin)", [requirement("in", "In", "in", "notin")]],
    ["notin=in", [requirement("notin", "In", "in")]],
    ["in", [requirement("in", "Exists")]],
    ["example.com/a_B.c=D", [requirement("example.com/a_B.c", "In", "D")]],
  ])("reads %j", (text, requirements) => {
    expect(parseLabelSelector(text)).toEqual(Result.succeed(requirements));
  });

  it.each([
    [",", "found ',', expected: !, identifier, or 'end of string'"],
    ["=a", "found '=', expected: !, identifier, or 'end of string'"],
    ["x,", "found '', expected: identifier after ','"],
    ["x,,y", "found ',', expected: identifier after ','"],
    ["x y", "unable to parse requirement: found 'y', expected: in, notin, =, ==, !=, >, <"],
    ["x=a=b", "found '=', expected: ',' or 'end of string'"],
    ["x==a==b", "found '==', expected: ',' or 'end of string'"],
    ["x=a||y=b", "Invalid value"],
    ["x=a b", "found 'b', expected: ',' or 'end of string'"],
    ["x===a", "found '=', expected: identifier"],
    ["!", "found '', expected: identifier"],
    ["!!x", "found '!', expected: identifier"],
    ["!x=a", "found '=', expected: ',' or 'end of string'"],
    ["!x in (a)", "found 'in', expected: ',' or 'end of string'"],
    ["x in a", "found 'a', expected: '('"],
    ["x in", "found '', expected: '('"],
    ["x in (", "found '', expected: ',', ')' or identifier"],
    ["x in ((a)", "found '(', expected: ',', ')' or identifier"],
    ["x in (a", "found '', expected: ',' or ')'"],
    ["x in (a b)", "found 'b', expected: ',' or ')'"],
    ["x in (a,", "found '', expected: ',', or identifier"],
    ["x in (,,)", "found ')', expected: ',', or identifier"],
    ["x in (a) b", "found 'b', expected: ',' or 'end of string'"],
    ["x in (a!)", "found '!', expected: ',' or ')'"],
    ["x<a", "the value must be an integer"],
    ["x>", "the value must be an integer"],
    ["x>9223372036854775808", "the value must be an integer"],
    ["x<=1", "found '=', expected: identifier"],
    ["-x", `key: Invalid value: "-x"`],
    ["a/b/c=d", `key: Invalid value: "a/b/c"`],
    [`x=${"a".repeat(64)}`, "must be no more than 63 characters"],
    ["x in (a,b$)", `values[1][x]: Invalid value: "b$"`],
  ])("refuses %j", (text, message) => {
    const failure = Result.getOrThrow(Result.flip(parseLabelSelector(text)));
    expect(failure).toContain(message);
  });

  it.each<[string, Labels, boolean]>([
    ["", { x: "y" }, true],
    ["x=y", { x: "y" }, true],
    ["x=y,z=w", { x: "y", z: "w" }, true],
    ["x!=y,z!=w", { x: "z", z: "a" }, true],
    ["x!=y", {}, true],
    ["notin=in", { notin: "in" }, true],
    ["x", { x: "z" }, true],
    ["!x", { y: "z" }, true],
    ["!x", { x: "" }, false],
    ["x>1", { x: "2" }, true],
    ["x>1", { x: "1" }, false],
    ["x>1", { x: "a" }, false],
    ["x>1", {}, false],
    ["x<1", { x: "0" }, true],
    ["x<9223372036854775807", { x: "9223372036854775806" }, true],
    ["x<9223372036854775807", { x: "9223372036854775808" }, false],
    ["x=z", {}, false],
    ["x=y", { x: "z" }, false],
    ["x=y,z=w", { x: "w", z: "w" }, false],
    ["x in (a,b)", { x: "b" }, true],
    ["x notin (a)", {}, true],
    ["x notin (a)", { x: "a" }, false],
    ["x in ()", { x: "" }, true],
    ["x=", {}, false],
  ])("%j over %j is %s", (text, labels, selected) => {
    expect(textSelects(text, labels)).toBe(selected);
  });
});

describe("parseFieldSelector", () => {
  it.each([
    ["", []],
    [",", []],
    ["spec.nodeName=worker-1", [field("spec.nodeName", "=", "worker-1")]],
    ["metadata.name==a", [field("metadata.name", "=", "a")]],
    ["metadata.namespace!=a", [field("metadata.namespace", "!=", "a")]],
    ["spec.nodeName=", [field("spec.nodeName", "=", "")]],
    [
      "metadata.name=a,,status.phase!=Failed,",
      [field("metadata.name", "=", "a"), field("status.phase", "!=", "Failed")],
    ],
    [String.raw`x=a\,b\=c\\d`, [field("x", "=", String.raw`a,b=c\d`)]],
    [String.raw`x=\\,y=b`, [field("x", "=", "\\"), field("y", "=", "b")]],
    ["x= a ", [field("x", "=", " a ")]],
    ["x=a!b", [field("x", "=", "a!b")]],
  ])("reads %j", (text, requirements) => {
    expect(parseFieldSelector(text)).toEqual(Result.succeed(requirements));
  });

  it.each([
    ["metadata.name", "can't understand 'metadata.name'"],
    ["a=b,c", "can't understand 'c'"],
    ["a=b=c", "unescaped character in value: ="],
    [String.raw`a=\x`, String.raw`invalid escape sequence: \x`],
    ["a=b\\", "invalid escape sequence: \\"],
  ])("refuses %j", (text, message) => {
    expect(Result.getOrThrow(Result.flip(parseFieldSelector(text)))).toContain(message);
  });
});
