import { mount } from 'svelte';
import './styles/tokens.css';
import './styles/base.css';
import { App } from './lib/app/app.svelte';
import { selectBackend } from './lib/backend/select';
import { pageTheme } from './lib/theme/theme.svelte';
import Page from './Page.svelte';

const target = document.getElementById('app');
if (!target) throw new Error('the page has no place for the app');

const app = new App(selectBackend(window));
mount(Page, { target, props: { app, theme: pageTheme(window) } });
void app.start();
